// The frame around the views: who is signed in, the verdict, where to go.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { readSession, signOut, whenSignedOut } from "./api/client";
import type { Session } from "./api/schema";
import { startFleet, stopFleet } from "./live/fleet";
import { usePlace } from "./router";
import { SessionContext } from "./session";
import { ConfirmationBar } from "./parts/confirmation";
import { Head } from "./parts/head";
import { VerdictBar } from "./parts/verdict";
import { AddNode } from "./views/add-node";
import { Config } from "./views/config";
import { Dns } from "./views/dns";
import { EventLog } from "./views/log";
import { History } from "./views/history";
import { LinkPage } from "./views/link";
import { Matrix } from "./views/matrix";
import { NodePage } from "./views/node";
import { Overview } from "./views/overview";
import { Policies } from "./views/policies";
import { SignIn } from "./views/sign-in";
import { TopologyView } from "./views/topology";

type Phase = { at: "asking" } | { at: "out"; why: string } | { at: "in"; session: Session };

interface ViewProps {
  onAddNode(): void;
}

const views: { path: string; title: string; show(props: ViewProps): ComponentChildren }[] = [
  { path: "/", title: "Overview", show: ({ onAddNode }) => <Overview onAddNode={onAddNode} /> },
  { path: "/links", title: "Links", show: ({ onAddNode }) => <Matrix onAddNode={onAddNode} /> },
  { path: "/topology", title: "Topology", show: ({ onAddNode }) => <TopologyView onAddNode={onAddNode} /> },
  { path: "/policies", title: "Policies", show: () => <Policies /> },
  { path: "/dns", title: "DNS", show: () => <Dns /> },
  { path: "/config", title: "Configuration", show: () => <Config /> },
  { path: "/history", title: "History", show: () => <History /> },
  { path: "/log", title: "Events", show: () => <EventLog /> },
];

function viewAt(path: string, props: ViewProps): { title: string; view: ComponentChildren } {
  const view = views.find((candidate) => candidate.path === path);
  if (view) return { title: view.title, view: view.show(props) };
  if (path === "/link") return { title: "Link", view: <LinkPage /> };
  if (path.startsWith("/nodes/")) {
    const name = decodeURIComponent(path.slice("/nodes/".length));
    return { title: name, view: <NodePage key={name} name={name} /> };
  }
  return { title: "Not found", view: <Missing path={path} /> };
}

function Missing({ path }: { path: string }) {
  return (
    <div class="page">
      <h1>There is nothing at {path}</h1>
      <p>
        <a href="/" data-view>
          Back to the overview
        </a>
      </p>
    </div>
  );
}

function Shell({ onSignOut }: { onSignOut(): void }) {
  const { path } = usePlace();
  const [isAdding, setAdding] = useState(false);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const onAddNode = () => setAdding(true);
  const { title, view } = viewAt(path, { onAddNode });
  useEffect(() => {
    document.title = `${title} · Weft`;
    // After a change of view the keyboard goes on from its beginning.
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Head
        path={path}
        places={views.map(({ path: to, title: word }) => ({ to, word }))}
        onAddNode={onAddNode}
        onSignOut={onSignOut}
      />
      <VerdictBar />
      <ConfirmationBar />
      <main id="main" ref={main} tabIndex={-1}>
        {view}
      </main>
      {isAdding && <AddNode onClose={() => setAdding(false)} />}
    </div>
  );
}

export function App() {
  const [phase, setPhase] = useState<Phase>({ at: "asking" });
  const enter = (session: Session) => {
    startFleet(() => leave("Your session has ended. Sign in again."));
    setPhase({ at: "in", session });
  };
  const leave = (why: string) => {
    stopFleet();
    setPhase({ at: "out", why });
  };
  useEffect(() => {
    whenSignedOut(() => leave("Your session has ended. Sign in again."));
    readSession()
      .then((session) => (session ? enter(session) : leave("")))
      .catch((error: Error) => leave(error.message));
  }, []);
  if (phase.at === "asking") return null;
  if (phase.at === "out") return <SignIn why={phase.why} onEnter={enter} />;
  const out = () => void signOut().catch(() => {}).then(() => leave("You are signed out."));
  return (
    <SessionContext.Provider value={phase.session}>
      <Shell onSignOut={out} />
    </SessionContext.Provider>
  );
}
