// One line a test, why one failed, and the count at the end.
function why(error) {
  const cause = error?.cause ?? error;
  return String(cause?.stack ?? cause?.message ?? cause).split("\n").slice(0, 14).map((line) => `     ${line}`).join("\n");
}

export default async function* report(source) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const { type, data } of source) {
    // A whole file is told as a test too: only what stands in it counts, unless it broke by itself.
    const isFile = data?.name?.endsWith?.(".mjs") && data.nesting === 0;
    if (type === "test:pass" && !isFile) {
      const isSkipped = data.skip !== undefined;
      if (isSkipped) skipped++;
      else passed++;
      yield `${isSkipped ? "skip" : "ok  "} ${data.name}${isSkipped ? ` (${data.skip || "not here"})` : ` (${Math.round(data.details.duration_ms)} ms)`}\n`;
    } else if (type === "test:fail" && !(isFile && data.details.error?.failureType === "subtestsFailed")) {
      failed++;
      yield `FAIL ${data.name}\n${why(data.details.error)}\n`;
    } else if (type === "test:stderr") {
      yield data.message;
    }
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}
