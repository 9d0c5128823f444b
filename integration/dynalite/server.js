// Listens on a free port of this machine, prints its number, and ends when its
// input does: however the tests that started it end.
const server = require('dynalite')({ createTableMs: 0, deleteTableMs: 0 })

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()

// dynalite throws the error of a request that a client has broken off.
process.on('uncaughtException', (err) => {
  if (err.code !== 'ECONNRESET') throw err
})
