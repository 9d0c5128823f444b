// `alexaevents run` loads this file into Node.js with --require. It turns no check
// off: it adds the cloud's root certificates to those of Node.js, and sends HTTPS
// requests through the proxy, which newer versions of Node.js do by themselves.
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const tls = require('tls');
const Module = require('module');

const proxy = new URL(process.env.ALEXAEVENTS_CLOUD);
const blocks = fs.readFileSync(process.env.ALEXAEVENTS_CA, 'utf8').match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g);

// tls.rootCertificates cannot be redefined, and NODE_EXTRA_CA_CERTS does not extend
// it. So require('tls') returns an object with the same members and longer roots.
const roots = Object.freeze([...tls.rootCertificates, ...blocks]);
const extended = Object.create(tls, { rootCertificates: { value: roots, enumerable: true } });
const load = Module._load;
Module._load = function (request, ...rest) {
  return request === 'tls' || request === 'node:tls' ? extended : load.call(this, request, ...rest);
};

class ProxyAgent extends https.Agent {
  createConnection(options, callback) {
    if (/^(localhost$|127\.|::1$)/.test(options.host)) return super.createConnection(options, callback);
    const authority = `${options.host}:${options.port || 443}`;
    const connect = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: authority, headers: { host: authority } });
    connect.once('connect', (response, socket) => {
      if (response.statusCode !== 200) return callback(new Error(`alexaevents cloud refused ${authority}: status ${response.statusCode}`));
      callback(null, tls.connect({ ...options, socket, servername: options.servername || options.host }));
    });
    connect.once('error', callback);
    connect.end();
  }
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (!(major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21))) {
  https.globalAgent = new ProxyAgent({ keepAlive: true });
  // fetch has no agent: requests to Amazon's hosts go to the cloud by path.
  const fetch = globalThis.fetch;
  const amazon = /^https:\/\/((?:s3\.amazonaws\.com|www\.amazon\.com|api\.amazon\.(?:com|co\.uk|co\.jp)|api(?:\.eu|\.fe)?\.amazonalexa\.com|sns\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)))(\/.*)?$/;
  globalThis.fetch = (input, init) => {
    const match = amazon.exec(String(input?.url ?? input));
    if (!match) return fetch(input, init);
    const to = new URL(`/${match[1]}${match[2] ?? '/'}`, proxy);
    return fetch(input instanceof Request ? new Request(to, input) : to, init);
  };
}
