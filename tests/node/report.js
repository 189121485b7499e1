// Reports the calls of its input by Segment's own client: {"host", "writeKey", "calls": [["track", {...}], ...]}.
// Prints {"errors": [...]}: what the client gave up.
const { Analytics } = require('@segment/analytics-node');

const job = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const client = new Analytics({
  writeKey: job.writeKey, host: job.host, path: '/v1/batch', flushInterval: 20, flushAt: 15, maxRetries: 3,
});
const errors = [];
client.on('error', (error) => errors.push(error.code));
for (const [name, params] of job.calls) client[name](params);
client.closeAndFlush({ timeout: 20_000 }).then(() => {
  process.stdout.write(JSON.stringify({ errors }));
  process.exit(0);
});
