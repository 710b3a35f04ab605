import { Command, CommanderError, Option } from 'commander';

import { UnreadableInput } from './manifest-file';
import { validate, type ValidateOptions } from './validate';

/** Where the command writes to. */
export interface Output {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** Exit codes: what a pipeline decides by. */
const CLEAN = 0;
const FOUND = 1;
const UNUSABLE = 2;

/**
 * Runs `cdk8s-chatglm` with its arguments.
 *
 * @returns the exit code
 */
export function runCommandLine(args: readonly string[], output: Output): number {
  let exitCode = CLEAN;
  const program = new Command('cdk8s-chatglm')
    .description('Tools around manifests of workloads on Ascend, MLU and Sophgo devices')
    .exitOverride()
    .configureOutput({ writeOut: output.write, writeErr: output.writeError })
    .showHelpAfterError('(see cdk8s-chatglm --help)');
  program.command('validate')
    .description('check manifests by the rules of docs/rules.md; all files count as applied together')
    .argument('<file...>', 'YAML or JSON files, directories of them, or - for standard input')
    .addOption(new Option('--format <format>', 'text for people, json for programs').choices(['text', 'json']).default('text'))
    .addOption(new Option('--severity <severity>', 'the least severity that is reported and counts').choices(['warning', 'error']).default('warning'))
    .addHelpText('after', '\nExit code: 0 nothing found, 1 something found, 2 wrong usage or unreadable input')
    .action((files: string[], options: ValidateOptions) => {
      const { report, isClean } = validate(files, options);
      output.write(report);
      exitCode = isClean ? CLEAN : FOUND;
    });
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    return exitCodeOf(error, output);
  }
  return exitCode;
}

/** Commander has said what it found wrong by itself; it ends help with 0. */
function exitCodeOf(error: unknown, output: Output): number {
  if (error instanceof UnreadableInput) {
    output.writeError(`${error.message}\n`);
    return UNUSABLE;
  }
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? CLEAN : UNUSABLE;
  }
  throw error;
}
