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
  try {
    return await fetch(path, { method, headers: all, body: text, signal: AbortSignal.timeout(30000) });
  } catch {
    throw new Refused(0, { detail: "The controller does not answer." });
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
  const response = await send(method, path, body, headers);
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
  const response = await send("GET", "/api/v1/session", undefined, {});
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
