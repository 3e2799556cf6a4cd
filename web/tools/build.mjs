// Bundles src/ into dist/: index.html, assets/app.js, app.css, feed.js (the shared worker), theme.js and the fonts.
// Names are fixed: the controller serves each file with an ETag and asks browsers to check it.
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const watch = process.argv.includes("--watch");
const dist = join(web, "dist");
// Swapped in when it is whole: another build may be reading the old one.
const fresh = watch ? dist : join(web, "dist-new");

const options = {
  absWorkingDir: web,
  entryPoints: {
    app: "src/main.tsx",
    feed: "src/live/worker.ts",
    theme: "src/theme-first.ts",
  },
  outdir: join(fresh, "assets"),
  bundle: true,
  minify: !watch,
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  assetNames: "[name]",
  legalComments: "none",
  logLevel: "warning",
};

function swap() {
  const old = join(web, "dist-old");
  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
}

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
cpSync(join(web, "public"), fresh, { recursive: true });
if (watch) {
  await (await context(options)).watch();
} else {
  await build(options);
  swap();
}
