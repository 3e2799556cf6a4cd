// A controller of one's own in a temporary directory on 127.0.0.1.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function isReady(url) {
  return new Promise((resolve) => {
    const request = get(`${url}/readyz`, { rejectUnauthorized: false, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", () => resolve(false));
    request.on("timeout", () => request.destroy());
  });
}

export class Controller {
  static async start() {
    const controller = new Controller();
    controller.dir = mkdtempSync(join(tmpdir(), "weft-web-controller-"));
    const rest = await freePort();
    const hub = await freePort();
    controller.url = `https://127.0.0.1:${rest}`;
    const webDir = process.env.WEFT_WEB_DIR ? `web_dir: ${process.env.WEFT_WEB_DIR}\n` : "";
    writeFileSync(
      join(controller.dir, "controller.yaml"),
      `state_dir: ${controller.dir}/state\nadvertise: [127.0.0.1]\npackages_dir: ${controller.dir}\n${webDir}` +
        `rest: {listen: ["127.0.0.1:${rest}"]}\nhub: {listen: ["127.0.0.1:${hub}"]}\n`,
    );
    await controller.run();
    const shown = /with the password (\S+)/.exec(controller.log());
    if (!shown) throw new Error(`the controller showed no first password:\n${controller.log()}`);
    controller.password = shown[1];
    return controller;
  }

  log() {
    return readFileSync(join(this.dir, "log"), "utf8");
  }

  /** Starts it, or starts it again on the same state. */
  async run() {
    const log = openSync(join(this.dir, "log"), "a");
    const args = ["--config", join(this.dir, "controller.yaml"), "run"];
    this.process = spawn(join(process.env.WEFT_BIN, "weft-controller"), args, { stdio: ["ignore", log, log] });
    closeSync(log);
    const deadline = Date.now() + 30000;
    while (!(await isReady(this.url))) {
      if (this.process.exitCode !== null || Date.now() > deadline) throw new Error(`the controller did not start:\n${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  halt(signal = "SIGTERM") {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.process.once("exit", resolve);
      this.process.kill(signal);
    });
  }

  async stop() {
    await this.halt("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}
