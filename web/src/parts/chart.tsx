// One chart of a link's history, drawn by chart.js in the page's own colours.
import {
  Chart, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip, type ChartConfiguration, type ChartDataset,
  type Plugin,
} from "chart.js";
import { useEffect, useId, useRef } from "preact/hooks";
import type { ChartData, Point } from "../model/history";
import { colour } from "./graph-style";

Chart.register(Filler, LinearScale, LineController, LineElement, PointElement, Tooltip);

export interface Window {
  from: number;
  to: number;
  /** A moment to point at. */
  at: number | null;
}

type Dataset = ChartDataset<"line", Point[]>;

function hourText(ms: number): string {
  return new Date(ms).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

function limitOf(data: ChartData, window: Window): Dataset[] {
  if (data.limit === null) return [];
  return [
    {
      label: "SLA", data: [{ x: window.from, y: data.limit }, { x: window.to, y: data.limit }], borderColor: colour("bad"), borderWidth: 1.5,
      borderDash: [6, 4], pointRadius: 0, pointHitRadius: 0, fill: false,
    },
  ];
}

// One slot between gaps is a point: no line would show it.
function radiusOf(points: Point[], width: number): number[] {
  const isKnown = (i: number) => (points[i]?.y ?? null) !== null;
  return points.map((_, i) => (isKnown(i) && !isKnown(i - 1) && !isKnown(i + 1) ? width : 0));
}

function datasetsOf(data: ChartData, window: Window): Dataset[] {
  const lines = data.series.map((series, i): Dataset => {
    const ink = colour(series.tone);
    const isEdge = series.isBand || data.series[i + 1]?.isBand;
    return {
      label: series.word, data: series.points, borderColor: ink, borderWidth: isEdge ? 0.75 : 1.75,
      pointRadius: radiusOf(series.points, isEdge ? 1.5 : 2.5), pointBackgroundColor: ink, pointBorderWidth: 0, pointHitRadius: 8,
      pointHoverRadius: 3, backgroundColor: series.isBand ? `${ink}33` : ink, fill: series.isBand ? "-1" : false, spanGaps: false,
    };
  });
  return [...lines, ...limitOf(data, window)];
}

// A line at the moment that was asked for.
function marker(at: number | null): Plugin<"line"> {
  return {
    id: "marker",
    afterDatasetsDraw({ ctx, chartArea, scales }) {
      const x = at === null ? NaN : (scales.x?.getPixelForValue(at) ?? NaN);
      if (!(x >= chartArea.left && x <= chartArea.right)) return;
      ctx.save();
      ctx.strokeStyle = colour("ink");
      ctx.setLineDash([2, 3]);
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };
}

// Full hours, or tens of minutes, of the reader's own clock.
function ticksOf({ from, to }: Window): { value: number }[] {
  const step = to - from > 7200000 ? 3 * 3600000 : 600000;
  const zone = new Date(from).getTimezoneOffset() * 60000;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const count = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length: count }, (_, i) => ({ value: first + i * step }));
}

function configOf(data: ChartData, window: Window): ChartConfiguration<"line", Point[]> {
  const font = { family: "IBM Plex Sans, sans-serif", size: 12 };
  const axis = { ticks: { color: colour("ink-dim"), font }, grid: { color: colour("line") }, border: { color: colour("line-strong") } };
  return {
    type: "line",
    data: { datasets: datasetsOf(data, window) },
    plugins: [marker(window.at)],
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, normalized: true, parsing: false,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: {
        x: {
          ...axis, type: "linear", min: window.from, max: window.to,
          afterBuildTicks: (scale) => {
            scale.ticks = ticksOf(window);
          },
          ticks: { ...axis.ticks, maxRotation: 0, autoSkip: true, callback: (value) => hourText(Number(value)) },
        },
        y: { ...axis, beginAtZero: true, suggestedMax: data.least, ticks: { ...axis.ticks, maxTicksLimit: 5, callback: (value) => data.show(Number(value)) } },
      },
      plugins: {
        tooltip: {
          callbacks: {
            title: (items) => (items[0] ? new Date(items[0].parsed.x ?? 0).toLocaleString("en-GB") : ""),
            label: (item) => `${item.dataset.label}: ${data.show(item.parsed.y ?? 0)}`,
          },
        },
      },
    },
  };
}

function Legend({ data }: { data: ChartData }) {
  return (
    <ul class="chart-legend">
      {data.series.map((series, i) =>
        data.series[i + 1]?.isBand ? null : (
          <li key={series.word}>
            <span class={`chart-key chart-key-${series.tone}${series.isBand ? " chart-key-band" : ""}`} aria-hidden="true" />
            {series.isBand ? `${data.series[i - 1]?.word} to ${series.word}` : series.word}
          </li>
        ),
      )}
      {data.limit !== null && (
        <li>
          <span class="chart-key chart-key-limit" aria-hidden="true" />
          SLA: at most {data.show(data.limit)}
        </li>
      )}
    </ul>
  );
}

export function HistoryChart({ data, window }: { data: ChartData; window: Window }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<Chart<"line", Point[]> | null>(null);
  const latest = useRef({ data, window });
  const id = useId();
  latest.current = { data, window };
  useEffect(() => {
    if (!canvas.current) return undefined;
    const made = new Chart(canvas.current, configOf(latest.current.data, latest.current.window));
    const repaint = () => {
      const { data: now, window: frame } = latest.current;
      Object.assign(made.config, { options: configOf(now, frame).options });
      made.data.datasets = datasetsOf(now, frame);
      made.update("none");
    };
    const system = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("weft-theme", repaint);
    system.addEventListener("change", repaint);
    chart.current = made;
    return () => {
      removeEventListener("weft-theme", repaint);
      system.removeEventListener("change", repaint);
      made.destroy();
      chart.current = null;
    };
  }, [window.at]);
  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    made.options = configOf(data, window).options ?? {};
    made.data.datasets = datasetsOf(data, window);
    made.update("none");
  }, [data, window]);
  return (
    <section class="chart" aria-labelledby={id}>
      <div class="chart-head">
        <h2 id={id}>{data.title}</h2>
        <p class="chart-summary">{data.summary}</p>
      </div>
      <div class="chart-canvas">
        <canvas ref={canvas} role="img" aria-label={`${data.title}: ${data.summary}`} />
      </div>
      <Legend data={data} />
    </section>
  );
}
