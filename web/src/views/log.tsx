// The stored events of all nodes, or of one.
import { useFleet } from "../live/use";
import { EventList } from "../parts/events";
import { go, usePlace } from "../router";

export function EventLog() {
  const { query } = usePlace();
  const nodes = useFleet((fleet) => fleet.state?.nodes ?? null);
  const node = query.get("node") ?? "";
  const severity = query.get("severity") ?? "";
  const choose = (field: string) => (event: Event) => {
    const next = new URLSearchParams(location.search);
    const value = (event.currentTarget as HTMLSelectElement).value;
    if (value) next.set(field, value);
    else next.delete(field);
    go(`/log${next.size ? `?${next}` : ""}`, true);
  };
  return (
    <div class="page">
      <div class="page-head">
        <h1>Events</h1>
        <div class="filters">
          <label>
            <span>Node</span>
            <select value={node} onChange={choose("node")}>
              <option value="">all</option>
              {nodes?.map((each) => (
                <option key={each.id} value={each.name}>
                  {each.name}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>Severity</span>
            <select value={severity} onChange={choose("severity")}>
              <option value="">all</option>
              <option value="warning">warnings and errors</option>
              <option value="error">errors</option>
            </select>
          </label>
        </div>
      </div>
      <EventList limit={100} node={node || undefined} severity={severity || undefined} paged />
    </div>
  );
}
