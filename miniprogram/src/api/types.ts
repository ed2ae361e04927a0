/** The server's shapes, from its own OpenAPI document (npm run api). Answers are always whole. */
import type { components } from './schema'

type Whole<T> = T extends (infer Item)[]
  ? Whole<Item>[]
  : T extends object
    ? { [Name in keyof T]-?: Whole<Exclude<T[Name], undefined>> }
    : T
type Schemas = components['schemas']

export type Profile = Whole<Schemas['Profile']>
export type SignedIn = Whole<Schemas['SignedIn']>
export type Notices = Whole<Schemas['NoticesOffered']>
export type Card = Whole<Schemas['Card']>
export type Cards = Whole<Schemas['Cards']>
export type Activity = Whole<Schemas['Activity']>
export type Store = Whole<Schemas['Store']>
export type City = Whole<Schemas['City']>
export type PayPoint = Whole<Schemas['PayPoint']>
export type Quote = Whole<Schemas['Quote']>
export type Payment = Whole<Schemas['Payment']>
export type PaymentSheet = Whole<Schemas['PaymentSheet']>
export type PaymentCode = Whole<Schemas['PaymentCode']>
export type Program = Whole<Schemas['Program']>
export type TopUp = Whole<Schemas['TopUp']>
export type TopUpRecord = Whole<Schemas['TopUpRecord']>
export type CodeTopUp = Whole<Schemas['CodeTopUp']>
export type Recipient = Whole<Schemas['Recipient']>
export type Gift = Whole<Schemas['Gift']>
export type GiftPreview = Whole<Schemas['GiftPreview']>
export type RefundRecord = Whole<Schemas['RefundRecord']>
export type RefundRequest = Whole<Schemas['RefundRequest']>
export type Content = Whole<Schemas['Content']>
export type ContentWhole = Whole<Schemas['ContentWhole']>
export type Cover = NonNullable<Content['cover']>
export type Banner = Whole<Schemas['Banner']>
export type Block = Whole<Schemas['Block']>
export type StoreWhole = Whole<Schemas['StoreWhole']>
export type Found = Whole<Schemas['FoundItem']>
export type Suggestions = Whole<Schemas['Suggestions']>
export type MoneyRequest = Whole<Schemas['MoneyRequest']>

export interface Page<Item> {
  items: Item[]
  next_cursor: string | null
}
