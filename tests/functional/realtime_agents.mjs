// One conversation over /v1/realtime by @openai/agents-realtime, which parses every event strictly and carries out the
// model's functions by itself. node realtime_agents.mjs MODULES ADDRESS TEXT|TOOL QUESTION; prints a line of JSON.
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, address, kind, question] = process.argv.slice(2);
// It names the MCP package, an optional part of 90 packages that is not installed, wherever it is loaded.
register(`data:text/javascript,${encodeURIComponent(`
  const nothing = 'data:text/javascript,export const DEFAULT_REQUEST_TIMEOUT_MSEC = 60000;';
  export const resolve = (name, context, next) =>
    name.startsWith('@modelcontextprotocol/') ? { url: nothing, shortCircuit: true } : next(name, context);`)}`);
const load = (path) => import(pathToFileURL(`${modules}/node_modules/${path}`));
const { RealtimeAgent, RealtimeSession, tool } = await load('@openai/agents-realtime/dist/index.mjs');
const { z } = await load('zod/index.js');

const called = [];
const seen = [];
const getWeather = tool({
  name: 'get_weather',
  description: 'The weather of a city, now.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    called.push(city);
    // The small model of the tests is made to call; then it may speak.
    session.transport.updateSessionConfig({ toolChoice: 'auto', outputModalities: ['text'] });
    return JSON.stringify({ weather: 'snow' });
  },
});
const withTool = kind === 'TOOL';
const agent = new RealtimeAgent({
  name: 'Guide',
  instructions: withTool ? 'You answer questions about the weather with the tool get_weather.'
                         : 'Answer in one short sentence.',
  tools: withTool ? [getWeather] : [],
});
const session = new RealtimeSession(agent, {
  transport: 'websocket',
  model: 'gpt-realtime',
  tracingDisabled: true,
  config: { outputModalities: ['text'], toolChoice: withTool ? 'required' : 'auto' },
});

const finish = (code, told) => {
  console.log(JSON.stringify({ seen, called, ...told }));
  session.close();
  process.exitCode = code;
};
session.on('error', (error) => finish(1, { error: JSON.stringify(error) }));
session.on('transport_event', (event) => seen.push(event.type));
session.on('agent_end', (context, by, output) => {
  if (output && called.length === (withTool ? 1 : 0)) finish(0, { text: output });
});

await session.connect({ apiKey: 'none', url: `ws://${address}/v1/realtime?model=gpt-realtime` });
session.sendMessage(question);
