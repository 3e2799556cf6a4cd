// The history of a link, made into what its charts draw.
import type { LinkHistory } from "../api/schema";
import { toMs } from "../live/shapes";
import { bytes, share, span } from "./format";

export interface Point {
  x: number;
  y: number | null;
}

export interface Series {
  word: string;
  tone: "accent" | "calm" | "good" | "warn";
  points: Point[];
  /** Filled down to the series before, as a band. */
  isBand?: boolean;
}

export interface ChartData {
  title: string;
  /** A figure for people. */
  show(value: number): string;
  series: Series[];
  limit: number | null;
  /** The scale reaches at least so far. */
  least: number;
  /** The lowest, the mean and the highest in words. */
  summary: string;
}

export function bits(perSecond: number): string {
  return bytes(perSecond).replace(/B$/, "bit/s");
}

function pointsOf(history: LinkHistory, values: (number | null)[]): Point[] {
  const start = toMs(history.start) ?? 0;
  return values.map((y, i) => ({ x: start + (i + 0.5) * history.step_ms, y }));
}

function known(values: (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function summaryOf(low: (number | null)[], middle: (number | null)[], high: (number | null)[], show: (value: number) => string): string {
  const means = known(middle);
  if (means.length === 0) return "nothing measured yet";
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  return `lowest ${show(Math.min(...known(low)))}, mean ${show(mean)}, highest ${show(Math.max(...known(high)))}`;
}

export function chartsOf(history: LinkHistory): ChartData[] {
  const { slots, sla } = history;
  const line = (word: string, tone: Series["tone"], values: (number | null)[], isBand = false): Series => ({
    word, tone, points: pointsOf(history, values), isBand,
  });
  return [
    {
      title: "Round trip", show: span, limit: sla.latency_us, least: 1000,
      series: [line("lowest", "calm", slots.rtt_min_us), line("highest", "calm", slots.rtt_max_us, true), line("mean", "accent", slots.rtt_avg_us)],
      summary: summaryOf(slots.rtt_min_us, slots.rtt_avg_us, slots.rtt_max_us, span),
    },
    {
      title: "Jitter", show: span, limit: sla.jitter_us, least: 500, series: [line("jitter", "accent", slots.jitter_us)],
      summary: summaryOf(slots.jitter_us, slots.jitter_us, slots.jitter_us, span),
    },
    {
      title: "Loss", show: share, limit: sla.loss, least: 0.05, series: [line("loss", "warn", slots.loss)],
      summary: summaryOf(slots.loss, slots.loss, slots.loss, share),
    },
    {
      title: "Throughput", show: bits, limit: null, least: 1000,
      series: [line("received", "accent", slots.rx_bps), line("sent", "good", slots.tx_bps)],
      summary: `received: ${summaryOf(slots.rx_bps, slots.rx_bps, slots.rx_bps, bits)}; sent: ${summaryOf(slots.tx_bps, slots.tx_bps, slots.tx_bps, bits)}`,
    },
  ];
}
