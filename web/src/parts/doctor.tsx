// A node examines itself: one line for each thing looked at, what is wrong first.
import { useEffect, useState } from "preact/hooks";
import { call, Refused } from "../api/client";
import type { DoctorLine, DoctorReport } from "../api/schema";
import { plural } from "../model/format";
import { Dialog } from "./dialog";
import { ProblemNote } from "./problem";

const RANK: Record<DoctorLine["grade"], number> = { bad: 0, warn: 1, ok: 2 };

function headline(lines: DoctorLine[]): string {
  const wrong = lines.filter((line) => line.grade !== "ok").length;
  return wrong === 0 ? `All ${lines.length} lines are well.` : `${plural(wrong, "line")} of ${lines.length} ${wrong === 1 ? "needs" : "need"} a look.`;
}

export function Lines({ lines }: { lines: DoctorLine[] }) {
  const sorted = [...lines].sort((a, b) => RANK[a.grade] - RANK[b.grade]);
  return (
    <ul class="doctor-lines">
      {sorted.map((line, at) => (
        <li key={at} class={`doctor-line doctor-${line.grade}`}>
          <strong>{line.grade}</strong> <span class="dim">{line.check}</span> {line.text}
          {line.cure && <p class="doctor-cure">{line.cure}</p>}
        </li>
      ))}
    </ul>
  );
}

export function Doctor({ node, onClose }: { node: string; onClose(): void }) {
  const [report, setReport] = useState<DoctorReport | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  useEffect(() => {
    let isGone = false;
    call<DoctorReport>("POST", `/api/v1/nodes/${encodeURIComponent(node)}/doctor`)
      .then((answer) => !isGone && setReport(answer.body))
      .catch((error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        if (!isGone) setRefused(error);
      });
    return () => {
      isGone = true;
    };
  }, [node]);
  return (
    <Dialog title={`Doctor: ${node}`} onClose={onClose} wide>
      <div class="dialog-body" aria-busy={!report && !refused} aria-live="polite">
        {!report && !refused && <p>{node} looks at itself, and its peers send to it. This takes some seconds.</p>}
        {refused && <ProblemNote refused={refused} />}
        {report && <p>{headline(report.lines)}</p>}
        {report && <Lines lines={report.lines} />}
      </div>
    </Dialog>
  );
}
