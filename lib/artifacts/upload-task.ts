import { checkImage } from '../image';
import type { Platform } from '../platform';
import { PYTHON_IMAGE, scriptPath } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import type { Task } from '../runtimes/task';
import type { Artifact } from './artifact';
import { addressing } from './bucket-address';
import { caArguments, caMounts, caVolumes, networkEnv } from './network';

/** Where an artifact goes. */
export interface ObjectStore {
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly region?: string | undefined;
  readonly virtualHosted?: boolean | undefined;
  readonly secretName: string;
}

/** The task of copying an artifact to an S3-compatible store. */
export function uploadTask(artifact: Artifact, target: ObjectStore, platform: Platform, image: string = PYTHON_IMAGE): Task {
  checkImage('image', image);
  if (!artifact.marked) {
    throw new Error(`'artifact' ${artifact.directory} has no marker that lists its files; upload what a construct of this library made, or set 'marked' if it has one`);
  }
  const tokens = [
    { env: 'STORE_ACCESS_KEY', secretName: target.secretName, key: 'accessKey' },
    { env: 'STORE_SECRET_KEY', secretName: target.secretName, key: 'secretKey' },
  ];
  return {
    name: 'upload',
    runtime: 'upload',
    image,
    command: [
      'python3', scriptPath('upload_artifact'), '--artifact', artifact.path, ...placeArguments(target),
      '--access-key-env', 'STORE_ACCESS_KEY', '--secret-key-env', 'STORE_SECRET_KEY', ...caArguments(platform),
    ],
    inputs: [artifact],
    security: SecurityLevel.RESTRICTED,
    fragment: {
      env: networkEnv(tokens, platform),
      volumes: caVolumes(platform),
      mounts: caMounts(platform),
      scripts: ['upload_artifact'],
      requests: { cpu: '1', memory: '256Mi' },
      limits: { memory: '1Gi' },
    },
  };
}

function placeArguments({ endpoint, bucket, prefix, region, virtualHosted }: ObjectStore): string[] {
  const address = addressing(virtualHosted);
  return [
    '--endpoint', endpoint, '--bucket', bucket, '--prefix', prefix,
    ...(address === undefined ? [] : ['--addressing', address]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
}
