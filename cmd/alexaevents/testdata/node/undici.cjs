// Prints the status of a URL with undici, which reads the proxy of the environment only
// when it is told to.
const { request, EnvHttpProxyAgent } = require('undici');
request(process.argv[2], { dispatcher: new EnvHttpProxyAgent() }).then(response => {
  console.log(response.statusCode);
  process.exit();
});
