import { OWN_CLUSTER, script } from './cluster';

/** Brings the cluster up once for all files, unless one runs already, which is then left running. */
export default async function up(): Promise<void> {
  if (OWN_CLUSTER || (await script('status')).code === 0) {
    return;
  }
  const { code, stdout, stderr } = await script('up');
  if (code !== 0) {
    throw new Error(`cluster.sh up ended with ${String(code)}: ${stdout}${stderr}`);
  }
  process.env.CLUSTER_STARTED = 'yes';
}
