// Requests to the controller: JSON in and out, the session's CSRF token with writes, refusals as Problem errors.
import type { Problem, Session } from "./schema";

/** A refusal, or that nobody answered (status 0). */
export class Refused extends Error {
  readonly status: number;
  readonly fields: { field: string; text: string }[];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? "The controller refused without saying why.");
    this.status = status;
    this.fields = problem.errors ?? [];
  }
}

export interface Answer<T> {
  body: T;
  etag: string | null;
  status: number;
}

let csrf: string | null = null;
let onSignedOut: () => void = () => {};

/** Called when an answer shows that the session has ended. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

function keep(session: Session): Session {
  csrf = session.csrf ?? null;
  return session;
}

async function send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  const all: Record<string, string> = { ...headers };
  if (method !== "GET" && csrf) all["X-CSRF-Token"] = csrf;
  if (body !== undefined && !all["Content-Type"]) all["Content-Type"] = "application/json";
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  return await fetch(path, { method, headers: all, body: text, signal: AbortSignal.timeout(30000) });
}

const SILENT = { detail: "The controller does not answer." };
const ASK_AFTER_MS = 8000;

/** What became of a write that had no answer: "done", "absent", or undefined when nobody says in time. */
async function askAfter(key: string): Promise<string | undefined> {
  for (const until = Date.now() + ASK_AFTER_MS; Date.now() < until; ) {
    try {
      const response = await send("GET", `/api/v1/operations/${key}`, undefined, {});
      if (response.status >= 400 && response.status < 500) return undefined;
      const state = response.ok ? ((await response.json()) as { state: string }).state : "pending";
      if (state !== "pending") return state;
    } catch {
      // It may be restarting.
    }
    await new Promise((resume) => setTimeout(resume, 500));
  }
  return undefined;
}

/** Sends a write; one whose answer is lost is asked after, and sent once more if it was not done. */
async function sendWrite(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  const key = crypto.randomUUID();
  const named = { ...headers, "Idempotency-Key": key };
  try {
    return await send(method, path, body, named);
  } catch {
    const state = await askAfter(key);
    if (state === "absent") return await send(method, path, body, named);
    throw new Refused(0, {
      detail: state
        ? "It is done, but the connection broke before the answer came: load the page anew."
        : "The controller does not answer, and nobody can say whether it is done.",
    });
  }
}

async function sendAny(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  try {
    return await (method === "GET" || !csrf ? send : sendWrite)(method, path, body, headers);
  } catch (problem) {
    throw problem instanceof Refused ? problem : new Refused(0, SILENT);
  }
}

async function problemOf(response: Response): Promise<Partial<Problem>> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return { detail: `The controller answered ${response.status} ${response.statusText}.` };
  }
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const response = await sendAny(method, path, body, headers);
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && path !== "/api/v1/login") onSignedOut();
    throw new Refused(response.status, problem);
  }
  const isEmpty = response.status === 204 || response.headers.get("Content-Length") === "0";
  const value = isEmpty ? undefined : await response.json();
  return { body: value as T, etag: response.headers.get("ETag"), status: response.status };
}

export async function get<T>(path: string): Promise<T> {
  return (await call<T>("GET", path)).body;
}

export async function signIn(user: string, password: string): Promise<Session> {
  return keep((await call<Session>("POST", "/api/v1/login", { user, password })).body);
}

/** The present session, or null when nobody is signed in. */
export async function readSession(): Promise<Session | null> {
  const response = await sendAny("GET", "/api/v1/session", undefined, {});
  if (response.status === 401) return null;
  if (!response.ok) throw new Refused(response.status, await problemOf(response));
  return keep((await response.json()) as Session);
}

export async function signOut(): Promise<void> {
  await call("POST", "/api/v1/logout");
  csrf = null;
}

/** The path of a resource. */
export function resourcePath(kind: string, name: string): string {
  return `/api/v1/${kind}/${encodeURIComponent(name)}`;
}
