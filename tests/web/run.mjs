// Signs in once for all specs, runs them one after the other, and counts.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { signInOnce } from "./lib/browser.mjs";
import { Controller } from "./lib/controller.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const parts = process.argv.slice(2);
const specs = readdirSync(join(here, "specs"))
  .filter((name) => name.endsWith(".mjs") && (parts.length === 0 || parts.some((part) => name.includes(part))))
  .sort()
  .map((name) => join(here, "specs", name));

const out = join(here, "out");
mkdirSync(out, { recursive: true });
const temporary = mkdtempSync(join(tmpdir(), "weft-web-"));
const own = process.env.WEFT_URL ? null : await Controller.start();
let code = 1;
try {
  const env = {
    ...process.env,
    WEFT_FLEET: own ? "" : "1",
    WEFT_URL: own ? own.url : process.env.WEFT_URL.replace(/\/$/, ""),
    WEFT_USER: process.env.WEFT_USER ?? "admin",
    WEFT_PASSWORD: own ? own.password : process.env.WEFT_PASSWORD,
    WEFT_OUT: out,
    WEFT_STATE: join(temporary, "state.json"),
  };
  await signInOnce(env);
  const args = ["--test", "--test-concurrency=1", `--test-reporter=${join(here, "lib/reporter.mjs")}`, ...specs];
  code = spawnSync(process.execPath, args, { env, stdio: "inherit", cwd: here }).status ?? 1;
} finally {
  await own?.stop();
  rmSync(temporary, { recursive: true, force: true });
}
process.exit(code);
