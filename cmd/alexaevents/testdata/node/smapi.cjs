// Lists the vendors of a developer with ask-smapi-sdk, by the refresh token of the
// first argument.
const { StandardSmapiClientBuilder } = require('ask-smapi-sdk');
const client = new StandardSmapiClientBuilder().withRefreshTokenConfig({ clientId: 'id', clientSecret: 'secret', refreshToken: process.argv[2] }).client();
client.getVendorListV1().then(list => {
  console.log(list.vendors.map(vendor => vendor.id).join());
  process.exit();
});
