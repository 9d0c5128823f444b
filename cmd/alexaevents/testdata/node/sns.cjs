// Validates a message of SNS of standard input with sns-validator, and prints the outcome.
const Validator = require('sns-validator');
const message = JSON.parse(require('fs').readFileSync(0, 'utf8'));
new Validator().validate(message, error => {
  console.log(error ? 'refused' : 'accepted');
  process.exit();
});
