// Talks to /v1/realtime by the official Node SDK, over wss: one written question, one written answer.
// node realtime_node.mjs MODULES ADDRESS KEY; prints a line of JSON.
import { createRequire } from 'node:module';

const [modules, address, apiKey] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { OpenAI } = require('openai');
const { OpenAIRealtimeWS } = require('openai/realtime/ws');

const client = new OpenAI({ baseURL: `https://${address}/v1`, apiKey });
const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime' }, client);
const seen = [];
const finish = (code, told) => {
  console.log(JSON.stringify({ seen, ...told }));
  realtime.close();
  process.exitCode = code;
};

realtime.on('error', (error) => finish(1, { error: error.message }));
realtime.on('event', (event) => seen.push(event.type));
realtime.on('session.created', () => {
  realtime.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } });
  realtime.send({
    type: 'conversation.item.create',
    item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'What is the capital of France?' }] },
  });
  realtime.send({ type: 'response.create' });
});
realtime.on('response.output_text.done', (event) => finish(0, { text: event.text }));
