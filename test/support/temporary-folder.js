const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

// cdk8s makes an output folder for each app of a test and leaves it behind: all of them go into one, which goes with the run.
module.exports = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cdk8s-chatglm-'));
  process.env.TMPDIR = folder;
  globalThis.removeTemporaryFolder = () => { rmSync(folder, { recursive: true, force: true }); };
};
