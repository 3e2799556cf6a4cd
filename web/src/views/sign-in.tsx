// Signing in.
import { useRef, useState } from "preact/hooks";
import { signIn, Refused } from "../api/client";
import type { Session } from "../api/schema";
import { Logo, ThemeButton } from "../parts/head";

interface SignInProps {
  why: string;
  onEnter(session: Session): void;
}

function sentence(error: unknown): string {
  if (!(error instanceof Refused)) return "The sign-in failed in the browser; reload the page and try again.";
  if (error.status === 401) return "The name or the password is wrong.";
  return error.message;
}

export function SignIn({ why, onEnter }: SignInProps) {
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const password = useRef<HTMLInputElement>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setProblem("");
    try {
      onEnter(await signIn(String(fields.get("user") ?? "").trim(), String(fields.get("password") ?? "")));
    } catch (error) {
      setProblem(sentence(error));
      setBusy(false);
      password.current?.focus();
      password.current?.select();
    }
  };
  return (
    <div class="sign-in">
      <form class="sign-in-box" onSubmit={submit} aria-labelledby="sign-in-title">
        <div class="sign-in-brand">
          <Logo />
          <h1 id="sign-in-title">Sign in to Weft</h1>
        </div>
        {why && !problem && <p class="note">{why}</p>}
        {problem && (
          <p class="problem" role="alert" id="sign-in-problem">
            {problem}
          </p>
        )}
        <label>
          <span>Name</span>
          <input name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required maxLength={63} autofocus />
        </label>
        <label>
          <span>Password</span>
          <input
            ref={password}
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxLength={200}
            aria-describedby={problem ? "sign-in-problem" : undefined}
          />
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? "Signing in …" : "Sign in"}
        </button>
        <p class="dim small">
          The controller prints the first password when it starts for the first time. Lost it? On the controller's host run{" "}
          <code>weft-controller reset-password</code>.
        </p>
      </form>
      <div class="sign-in-end">
        <ThemeButton />
      </div>
    </div>
  );
}
