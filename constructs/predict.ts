import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { located } from './located';
import { checkWhole, type ModelStepOptions, modelStepRequest } from './model-step';
import { renderStepJob } from './step-job';

/** One message of a conversation. */
export interface PromptMessage {
  /** Who speaks: `system`, `user`, `assistant`, or `observation` for what a tool gave. */
  readonly role: string;
  /** What is said. */
  readonly content: string;
}

/** A conversation to answer. Several messages of the user are answered one after another, each with what was said before. */
export interface PromptConversation {
  /** What is said, in order. */
  readonly messages: PromptMessage[];
}

/** Prompts to answer. */
export interface PredictProps extends ModelStepOptions {
  /**
   * Single questions, each answered by itself.
   *
   * @default - none
   */
  readonly prompts?: string[];

  /**
   * Conversations of several turns and roles.
   *
   * @default - none
   */
  readonly conversations?: PromptConversation[];

  /**
   * The most tokens of an answer.
   *
   * @default - what the context has left
   */
  readonly maxTokens?: number;

  /**
   * How freely tokens are chosen; 0 always takes the likeliest.
   *
   * @default 0
   */
  readonly temperature?: number;
}

const ROLES = ['system', 'user', 'assistant', 'observation'];

/** A Job that answers prompts and writes the answers to `answers.jsonl` and to its log. The prompts come in a ConfigMap. */
export class Predict extends Construct {
  /** The answers. */
  public readonly artifact: Artifact;

  /**
   * @throws if there is no prompt, a role is unknown, or the runtime cannot answer
   */
  constructor(scope: Construct, id: string, props: PredictProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { maxTokens, temperature } = props;
      checkWhole('maxTokens', maxTokens);
      if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
        throw new Error(`'temperature' must be from 0 to 2, got ${String(temperature)}`);
      }
      const request = modelStepRequest(id, props);
      const task = props.runtime._step('predict', { ...request, prompts: promptsJson(props), maxTokens, temperature });
      return renderStepJob(this, task, props, props.accelerator, request);
    });
  }
}

function promptsJson({ prompts = [], conversations = [] }: PredictProps): string {
  if (prompts.length + conversations.length === 0) {
    throw new Error('there is nothing to answer: give \'prompts\' or \'conversations\'');
  }
  const empty = prompts.findIndex((prompt) => prompt.trim() === '');
  if (empty >= 0) {
    throw new Error(`'prompts' has an empty text at number ${String(empty + 1)}; leave it out`);
  }
  conversations.forEach(checkConversation);
  return `${JSON.stringify([...prompts, ...conversations.map(({ messages }) => ({ messages }))], undefined, 2)}\n`;
}

function checkConversation({ messages }: PromptConversation, index: number): void {
  const stranger = messages.find(({ role }) => !ROLES.includes(role));
  if (stranger !== undefined) {
    throw new Error(`'conversations' has a message of '${stranger.role}' in number ${String(index + 1)}; roles are ${ROLES.join(', ')}`);
  }
  if (!messages.some(({ role }) => role === 'user')) {
    throw new Error(`'conversations' has nothing to answer in number ${String(index + 1)}: no message is of 'user'`);
  }
}
