/**
 * A self-signed certificate for localhost and 127.0.0.1, valid from 2020 to 2120, and its key. Made with
 * `openssl ca -selfsign -startdate 20200101000000Z -enddate 21200101000000Z` and the extensions
 * `subjectAltName=DNS:localhost,IP:127.0.0.1` and `basicConstraints=critical,CA:FALSE` (Deno refuses a
 * server certificate that is a CA). It is here so that the tests need no openssl.
 *
 * @module
 */
export const CERT = `-----BEGIN CERTIFICATE-----
MIIBZjCCAQygAwIBAgIBATAKBggqhkjOPQQDAjAVMRMwEQYDVQQDDAp0cmFxcSB0
ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAVMRMwEQYDVQQD
DAp0cmFxcSB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnZZ8L4np8D7n
C2kQAC/uZyg4Hny+GefOz35An4drVMqX9IT0V6+rzp6jHNVzkdXEtQPVu8+goCGp
7lzZIBDfcKNLMEkwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAwGA1UdEwEB
/wQCMAAwHQYDVR0OBBYEFENensVMpiiofYaMqzHaiNaBKzkUMAoGCCqGSM49BAMC
A0gAMEUCIBeV4lqOL6UuNg8j8Qm1RKS4lZKtQU9x6CAWzvNLX798AiEA3yqoAq59
bJExXRb3rZi8VBYK77Zl6X1jg6bRA26Ax2g=
-----END CERTIFICATE-----
`;

export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghqRQogXt6g9pmr3/
nC7+tVxtVqTMqlw8tjrwzbOM/RahRANCAASdlnwvienwPucLaRAAL+5nKDgefL4Z
587PfkCfh2tUypf0hPRXr6vOnqMc1XOR1cS1A9W7z6CgIanuXNkgEN9w
-----END PRIVATE KEY-----
`;
