// The top: where to go, add a node, colours, sign out.
import { useContext, useState } from "preact/hooks";
import { SessionContext, useMay } from "../session";
import { keepTheme, readTheme, type Theme } from "../theme";

interface HeadProps {
  path: string;
  places: { to: string; word: string }[];
  onAddNode(): void;
  onSignOut(): void;
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const WORD: Record<Theme, string> = { system: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
const SIGN: Record<Theme, string> = { system: "◐", light: "○", dark: "●" };

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="currentColor" />
      <path class="logo-weave" d="M11 6v6M11 20v6M21 6v14M21 26v.01M6 11h10M26 11h-.01M6 21h.01M16 21h10" />
    </svg>
  );
}

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(readTheme);
  const change = () => {
    keepTheme(NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  return (
    <button type="button" class="quiet theme" onClick={change} title={WORD[theme]} aria-label={WORD[theme]}>
      <span aria-hidden="true">{SIGN[theme]}</span>
    </button>
  );
}

function isHere(path: string, to: string): boolean {
  return path === to || (to === "/" && path.startsWith("/nodes/")) || (to === "/links" && path === "/link");
}

export function Head({ path, places, onAddNode, onSignOut }: HeadProps) {
  const session = useContext(SessionContext);
  const mayAdd = useMay("admin");
  return (
    <header class="head">
      <a class="brand" href="/" data-view aria-label="Weft, overview">
        <Logo />
        <span>Weft</span>
      </a>
      <nav class="nav" aria-label="Views">
        {places.map(({ to, word }) => (
          <a key={to} href={to} data-view aria-current={isHere(path, to) ? "page" : undefined}>
            {word}
          </a>
        ))}
      </nav>
      <div class="head-end">
        {mayAdd && (
          <button type="button" class="primary" onClick={onAddNode}>
            Add node
          </button>
        )}
        <ThemeButton />
        <span class="who" title={session?.role}>
          {session?.user}
        </span>
        <button type="button" class="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}
