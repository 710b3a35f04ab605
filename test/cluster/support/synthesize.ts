import { App, Chart } from 'cdk8s';
import type { Manifest } from './manifest';

/** The objects of a chart called `test` that `build` fills; nothing is written. */
export function synthesize(build: (chart: Chart) => void): Manifest[] {
  const chart = new Chart(new App(), 'test', { namespace: 'llm' });
  build(chart);
  return chart.toJson() as Manifest[];
}
