// Hooks on the fleet and on plain requests.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, Refused } from "../api/client";
import { currentFleet, subscribe, type Fleet } from "./fleet";

/** Part of the fleet; renders again when that part changes. */
export function useFleet<T>(select: (fleet: Fleet) => T): T {
  const [value, setValue] = useState(() => select(currentFleet()));
  const selector = useRef(select);
  selector.current = select;
  useEffect(() => {
    const look = () => setValue(() => selector.current(currentFleet()));
    look();
    return subscribe(look);
  }, []);
  return value;
}

/** The controller's time, moving on every `stepMs`. */
export function useNow(stepMs = 1000): number {
  const offset = useFleet((fleet) => fleet.clockOffset);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), stepMs);
    return () => clearInterval(timer);
  }, [stepMs]);
  return now + offset;
}

/** Grows now and then, for what changes without anything being committed, as lists that are fetched. */
export function useTurns(ms: number): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn((now) => now + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return turn;
}

export interface Loaded<T> {
  data: T | null;
  refused: Refused | null;
  isLoading: boolean;
  reload(): void;
}

/** Reads a path, again whenever `version` changes; keeps what it has while it reads, of another path only when told to. */
export function useGet<T>(path: string | null, version: unknown = 0, keeps = false): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const [isLoading, setLoading] = useState(path !== null);
  const [turn, setTurn] = useState(0);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (path === null) return undefined;
    let isCurrent = true;
    if (shown.current !== path && !keeps) setData(null);
    shown.current = path;
    setLoading(true);
    get<T>(path)
      .then((value) => {
        if (!isCurrent) return;
        setData(value);
        setRefused(null);
      })
      .catch((error) => isCurrent && setRefused(error instanceof Refused ? error : new Refused(0, { detail: String(error) })))
      .finally(() => isCurrent && setLoading(false));
    return () => {
      isCurrent = false;
    };
  }, [path, version, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return { data, refused, isLoading, reload };
}
