import { App } from 'cdk8s';
import { ConfigMap } from 'cdk8s-plus-27';
import { Delivery, GlmApp } from 'cdk8s-chatglm';

import { workflow } from './workflow';

// cdk8s's own app writes the objects as they are, ours as templates of them.
const app = process.env.APP === 'plain' ? new App() : new GlmApp();
const { chart } = workflow(app, 'chatglm3', Delivery.HELM);
new ConfigMap(chart, 'braces', { metadata: { name: 'braces' }, data: { template: '{{ .Values.missing }} {{- "}}" -}} {{{{', text: 'two\n{{ include "x" . }}\nlines\n' } });
app.synth();
