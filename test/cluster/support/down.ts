import { script } from './cluster';

/** Takes down what `up` brought up. */
export default async function down(): Promise<void> {
  if (process.env.CLUSTER_STARTED !== undefined) {
    await script('down');
  }
}
