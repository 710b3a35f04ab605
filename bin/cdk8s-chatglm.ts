#!/usr/bin/env node
import { runCommandLine } from './command-line';

// A reader that has seen enough, such as head, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});

process.exitCode = runCommandLine(process.argv.slice(2), {
  write: (text) => { process.stdout.write(text); },
  writeError: (text) => { process.stderr.write(text); },
});
