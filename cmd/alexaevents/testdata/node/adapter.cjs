const express = require('express');
const Alexa = require('ask-sdk-core');
const { ExpressAdapter } = require('ask-sdk-express-adapter');
const skill = Alexa.SkillBuilders.custom().addRequestHandlers({
  canHandle: () => true,
  handle(input) { return input.responseBuilder.getResponse(); },
}).addErrorHandlers({ canHandle: () => true, handle: (input, error) => { console.log(error.message); return input.responseBuilder.getResponse(); } }).withSkillId('amzn1.ask.skill.example').create();
const app = express();
app.post('/', new ExpressAdapter(skill, true, true).getRequestHandlers());
const server = app.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(server.address().port));
