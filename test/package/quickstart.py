"""The quickstart example as a Python user writes it."""

from cdk8s import App, Chart
from cdk8s_chatglm import GlmModel, InferenceDeployment, Platform, Runtime

app = App()
chart = Chart(app, "quickstart", namespace="llm")
Platform.attach(chart, pod_labels={"team": "ml"})

InferenceDeployment(chart, "chat", model=GlmModel.CHATGLM3_6_B, runtime=Runtime.echo(), replicas=2)

app.synth()
