// node relay.mjs HOST PORT: takes a listening server from its parent and leads each connection to HOST:PORT
// as this process sees it. Ends with its parent.
import { connect } from 'node:net';
import { pipeline } from 'node:stream';

const [host, port] = process.argv.slice(2);
// A broken connection is the business of its two ends, who see it too.
const told = () => undefined;

process.once('message', (_, server) => {
  server.on('connection', (near) => {
    const far = connect(Number(port), host);
    pipeline(near, far, told);
    pipeline(far, near, told);
  });
  process.send('listening');
});
process.once('disconnect', () => process.exit(0));
