// A number with its unit, or a dash where there is none.

export function Value({ value, unit }: { value: number | string | null | undefined; unit?: string }) {
  if (value === null || value === undefined || value === "") return <span class="dim">–</span>;
  return (
    <>
      {value}
      {unit && <span class="unit"> {unit}</span>}
    </>
  );
}
