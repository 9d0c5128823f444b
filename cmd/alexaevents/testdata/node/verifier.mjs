// Verifies a request of standard input with alexa-verifier, and prints the outcome.
import verifier from 'alexa-verifier';
import { readFileSync } from 'node:fs';
const { headers, body } = JSON.parse(readFileSync(0, 'utf8'));
try {
  await verifier(headers.Signaturecertchainurl, headers['Signature-256'], body);
  console.log('accepted');
} catch (error) {
  console.log('refused');
}
process.exit();
