// Who is signed in, for the views to show only what may be done.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "./api/schema";

export const SessionContext = createContext<Session | null>(null);

export type Right = "network" | "admin";

export function useMay(right: Right): boolean {
  const role = useContext(SessionContext)?.role;
  return role === "admin" || (right === "network" && role === "operator");
}

const ADMIN_KINDS = new Set(["users", "tokens", "secrets", "webhooks", "enrolment-keys"]);

export function rightFor(kind: string): Right {
  return ADMIN_KINDS.has(kind) ? "admin" : "network";
}
