import { checkImage } from '../image';
import type { Platform } from '../platform';
import { PYTHON_IMAGE } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import type { Task } from '../runtimes/task';
import type { Artifact, ArtifactDownload } from './artifact';
import { downloadCommand, downloadFragment } from './download';

/** The task of downloading an artifact in a pod of its own. */
export function downloadTask(artifact: Artifact, download: ArtifactDownload, platform: Platform, image: string = PYTHON_IMAGE): Task {
  checkImage('image', image);
  return {
    name: 'download',
    runtime: 'download',
    image,
    command: downloadCommand(artifact, download, platform),
    inputs: [],
    output: artifact,
    security: SecurityLevel.RESTRICTED,
    fragment: downloadFragment(artifact, download, platform),
  };
}
