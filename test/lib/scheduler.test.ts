import { Scheduler } from 'cdk8s-chatglm';

import { thrownBy } from '../support/thrown';

test('the default scheduler asks for nothing', () => {
  expect(Scheduler.DEFAULT._fragment).toEqual({ source: 'default scheduler' });
  expect([Scheduler.DEFAULT.isVolcano, Scheduler.DEFAULT.queue]).toEqual([false, undefined]);
});

test('Volcano reads the queue of a pod from an annotation', () => {
  expect(Scheduler.volcano()._fragment).toEqual({ source: 'scheduler volcano', schedulerName: 'volcano', annotations: { 'scheduling.volcano.sh/queue-name': 'default' } });
  expect([Scheduler.volcano({ queue: 'llm' }).isVolcano, Scheduler.volcano({ queue: 'llm' }).queue]).toEqual([true, 'llm']);
});

test('Kueue reads the queue of an object from a label', () => {
  expect(Scheduler.kueue({ queue: 'llm' })._fragment).toEqual({ source: 'scheduler kueue', objectLabels: { 'kueue.x-k8s.io/queue-name': 'llm' } });
  expect(Scheduler.kueue({ queue: 'llm' }).isVolcano).toBe(false);
});

test.each(['', 'LLM', '-a', 'a'.repeat(64), 'a b'])('\'%s\' is no queue', (queue) => {
  const message = `'queue' of a scheduler must be a Kubernetes name (lower case letters, digits, '-' and '.', at most 63), got '${queue}'`;

  expect(thrownBy(() => Scheduler.kueue({ queue }))).toBe(message);
  expect(thrownBy(() => Scheduler.volcano({ queue }))).toBe(message);
});
