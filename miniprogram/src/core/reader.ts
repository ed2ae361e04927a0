/** A module of our own around the package: a chunk of a package gets a name that no browser resolves. */
export { BarcodeDetector, prepareZXingModule } from 'barcode-detector/ponyfill'
