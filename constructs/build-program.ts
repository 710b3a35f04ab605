import { Construct } from 'constructs';

import type { Architecture } from '../lib/accelerators/node-type';
import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** A program to build from a vendor's source tree. */
export interface BuildProgramProps extends JobOptions {
  /** The software whose source tree holds it. */
  readonly runtime: Runtime;
  /** Its name there: for Sophgo `python-demo`, the extension that the server loads, or `demo`, the program for a terminal. */
  readonly program: string;
  /** The store that gets it. */
  readonly store: IArtifactStore;

  /**
   * The processors that it is built for: those of the nodes that run it, where the cluster has others, too.
   *
   * @default - those of the node that the Job gets
   */
  readonly architecture?: Architecture;
}

/** A Job that builds a vendor's program for the architecture and the Python of the runtime's image. */
export class BuildProgram extends Construct {
  /** The program. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime builds no programs, or not this one
   */
  constructor(scope: Construct, id: string, props: BuildProgramProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { runtime, program, store, architecture } = props;
      return renderStepJob(this, runtime._step('build', { program, architecture, output: outputOf(id, store) }), props);
    });
  }
}
