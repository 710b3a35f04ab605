#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';

import { UnreadableInput } from './manifest-file';
import { validate, type ValidateOptions } from './validate';

/** Exit codes: what a pipeline decides by. */
const FOUND = 1;
const UNUSABLE = 2;

const program = new Command('cdk8s-chatglm')
  .description('Tools around manifests of workloads on Ascend, MLU and Sophgo devices')
  .exitOverride()
  .showHelpAfterError('(see cdk8s-chatglm --help)');

program.command('validate')
  .description('check manifests by the rules of docs/rules.md; all files count as applied together')
  .argument('<file...>', 'YAML or JSON files, directories of them, or - for standard input')
  .addOption(new Option('--format <format>', 'text for people, json for programs').choices(['text', 'json']).default('text'))
  .addOption(new Option('--severity <severity>', 'the least severity that is reported and counts').choices(['warning', 'error']).default('warning'))
  .addHelpText('after', '\nExit code: 0 nothing found, 1 something found, 2 wrong usage or unreadable input')
  .action((files: string[], options: ValidateOptions) => {
    const { report, isClean } = validate(files, options);
    process.stdout.write(report);
    process.exitCode = isClean ? 0 : FOUND;
  });

// A reader that has seen enough, such as head, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});

try {
  program.parse();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Commander has printed what it found wrong by itself; it ends help with 0. */
function exitCodeOf(error: unknown): number {
  if (error instanceof UnreadableInput) {
    process.stderr.write(`${error.message}\n`);
    return UNUSABLE;
  }
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : UNUSABLE;
  }
  throw error;
}
