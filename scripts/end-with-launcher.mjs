// Loaded by bin/berth before the program, when an older Node.js stands between it and its caller: ends this process, as SIGKILL ends
// the launcher, when the launcher is gone. The pipe carries nothing; its end is the news.
import { Socket } from "node:net";

const fd = process.env.BERTH_LAUNCHER_FD;
delete process.env.BERTH_LAUNCHER_FD; // children of ours have other files under that number
if (fd !== undefined) {
  const pipe = new Socket({ fd: Number(fd) });
  pipe.on("close", () => process.kill(process.pid, "SIGKILL"));
  pipe.on("error", () => {}); // followed by "close"
  pipe.resume();
  pipe.unref();
}
