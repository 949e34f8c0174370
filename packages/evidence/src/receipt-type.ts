/** The media type of an EAT in CBOR that is a signed CWT (RFC 9782). */
export const RECEIPT_TYPE = 'application/eat+cwt';
