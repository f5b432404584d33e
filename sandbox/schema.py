"""Names, types and enumerations of Graph v1.0 as far as the sandbox knows them: what may be sent and selected.

Taken from the reference pages below ``api-reference/v1.0/resources/`` of Microsoft's Graph documentation; the tests
compare them with msgraph-sdk's models and with the OpenAPI subset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ENUMS: dict[str, tuple[str, ...]] = {
    "attendeeType": ("required", "optional", "resource"),
    "bodyType": ("text", "html"),
    "channelMembershipType": ("standard", "private", "unknownFutureValue", "shared"),
    "chatMessageImportance": ("normal", "high", "urgent", "unknownFutureValue"),
    "chatMessageType": ("message", "chatEvent", "typing", "unknownFutureValue", "systemEventMessage"),
    "dayOfWeek": ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"),
    "eventType": ("singleInstance", "occurrence", "exception", "seriesMaster"),
    "freeBusyStatus": ("unknown", "free", "tentative", "busy", "oof", "workingElsewhere"),
    "importance": ("low", "normal", "high"),
    "locationType": (
        "default",
        "conferenceRoom",
        "homeAddress",
        "businessAddress",
        "geoCoordinates",
        "streetAddress",
        "hotel",
        "restaurant",
        "localBusiness",
        "postalAddress",
    ),
    "locationUniqueIdType": ("unknown", "locationStore", "directory", "private", "bing"),
    "onlineMeetingProviderType": ("unknown", "skypeForBusiness", "skypeForConsumer", "teamsForBusiness"),
    "recurrencePatternType": (
        "daily",
        "weekly",
        "absoluteMonthly",
        "relativeMonthly",
        "absoluteYearly",
        "relativeYearly",
    ),
    "recurrenceRangeType": ("endDate", "noEnd", "numbered"),
    "responseType": ("none", "organizer", "tentativelyAccepted", "accepted", "declined", "notResponded"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "teamworkApplicationIdentityType": (
        "aadApplication",
        "bot",
        "tenantBot",
        "office365Connector",
        "outgoingWebhook",
        "unknownFutureValue",
    ),
    "teamworkConversationIdentityType": ("team", "channel", "chat", "unknownFutureValue"),
    "teamworkUserIdentityType": (
        "aadUser",
        "onPremiseAadUser",
        "anonymousGuest",
        "federatedUser",
        "personalMicrosoftAccountUser",
        "skypeUser",
        "phoneUser",
        "unknownFutureValue",
        "emailUser",
    ),
    "userPurpose": ("user", "linked", "shared", "room", "equipment", "others", "unknownFutureValue"),
    "weekIndex": ("first", "second", "third", "fourth", "last"),
}
"""Every value of every enumeration, as Graph spells it."""

CASELESS_ENUMS = frozenset({"dayOfWeek"})
"""Enumerations that are read in either case and answered in lower case, as seen in the field (§3.1 of the notes)."""


class Writable(Enum):
    """When a property may be sent."""

    ALWAYS = "always"
    ON_CREATE = "on create"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Property:
    """A property's type: a primitive, the name of an enumeration, or the name of a complex type below."""

    type: str
    many: bool = False
    writable: Writable = Writable.ALWAYS


_STRING, _BOOLEAN, _INTEGER, _NUMBER, _DATE = (
    Property(primitive) for primitive in ("string", "boolean", "int32", "double", "date")
)
_STRINGS = Property("string", many=True)


def _answered(type_: str, *, many: bool = False) -> Property:
    return Property(type_, many, Writable.NEVER)


EVENT_PROPERTIES: dict[str, Property] = {
    "id": _answered("string"),
    "createdDateTime": _answered("instant"),
    "lastModifiedDateTime": _answered("instant"),
    "changeKey": _answered("string"),
    "categories": _STRINGS,
    "transactionId": Property("string", writable=Writable.ON_CREATE),
    "originalStartTimeZone": _answered("string"),
    "originalEndTimeZone": _answered("string"),
    "iCalUId": _answered("string"),
    "reminderMinutesBeforeStart": _INTEGER,
    "isReminderOn": _BOOLEAN,
    "hasAttachments": _answered("boolean"),
    "subject": _STRING,
    "bodyPreview": _answered("string"),
    "importance": Property("importance"),
    "sensitivity": Property("sensitivity"),
    "isAllDay": _BOOLEAN,
    "isCancelled": _answered("boolean"),
    "isOrganizer": _answered("boolean"),
    "isDraft": _answered("boolean"),
    "responseRequested": _BOOLEAN,
    "seriesMasterId": _answered("string"),
    "showAs": Property("freeBusyStatus"),
    "type": _answered("eventType"),
    "webLink": _answered("string"),
    "onlineMeetingUrl": _answered("string"),
    "isOnlineMeeting": _BOOLEAN,
    "onlineMeetingProvider": Property("onlineMeetingProviderType"),
    "onlineMeeting": _answered("onlineMeetingInfo"),
    "allowNewTimeProposals": _BOOLEAN,
    "hideAttendees": _BOOLEAN,
    "originalStart": _answered("instant"),
    "cancelledOccurrences": _answered("string", many=True),
    "recurrence": Property("patternedRecurrence"),
    "responseStatus": _answered("responseStatus"),
    "body": Property("itemBody"),
    "start": Property("dateTimeTimeZone"),
    "end": Property("dateTimeTimeZone"),
    "location": Property("location"),
    "locations": Property("location", many=True),
    "attendees": Property("attendee", many=True),
    "organizer": _answered("recipient"),
}
"""What an event has and ``$select`` may name. Whether a property is there at all is up to the event."""

TYPES: dict[str, dict[str, Property]] = {
    "event": EVENT_PROPERTIES
    | {"singleValueExtendedProperties": Property("singleValueLegacyExtendedProperty", many=True)},
    "attendee": {
        "emailAddress": Property("emailAddress"),
        "type": Property("attendeeType"),
        "status": _answered("responseStatus"),
        "proposedNewTime": _answered("timeSlot"),
    },
    "chatMessage": {
        "id": _answered("string"),
        "attachments": Property("chatMessageAttachment", many=True),
        "body": Property("itemBody"),
        "channelIdentity": _answered("string"),
        "chatId": _answered("string"),
        "createdDateTime": _answered("instant"),
        "deletedDateTime": _answered("instant"),
        "etag": _answered("string"),
        "eventDetail": _answered("string"),
        "from": _answered("string"),
        "hostedContents": _answered("string", many=True),
        "importance": Property("chatMessageImportance"),
        "lastEditedDateTime": _answered("instant"),
        "lastModifiedDateTime": _answered("instant"),
        "locale": _answered("string"),
        "mentions": Property("chatMessageMention", many=True),
        "messageHistory": _answered("string", many=True),
        "messageType": _answered("chatMessageType"),
        "policyViolation": _answered("string"),
        "reactions": _answered("string", many=True),
        "replies": _answered("string", many=True),
        "replyToId": _answered("string"),
        "subject": _STRING,
        "summary": _STRING,
        "webUrl": _answered("string"),
    },
    "chatMessageAttachment": dict.fromkeys(
        ("id", "content", "contentType", "contentUrl", "name", "teamsAppId", "thumbnailUrl"), _STRING
    ),
    "chatMessageMention": {
        "id": _INTEGER,
        "mentioned": Property("chatMessageMentionedIdentitySet"),
        "mentionText": _STRING,
    },
    "chatMessageMentionedIdentitySet": {
        "application": Property("teamworkApplicationIdentity"),
        "conversation": Property("teamworkConversationIdentity"),
        "device": Property("identity"),
        "user": Property("teamworkUserIdentity"),
    },
    "dateTimeTimeZone": {"dateTime": _STRING, "timeZone": _STRING},
    "emailAddress": {"address": _STRING, "name": _STRING},
    "identity": {"id": _STRING, "displayName": _STRING},
    "internetMessageHeader": {"name": _STRING, "value": _STRING},
    "itemBody": {"contentType": Property("bodyType"), "content": _STRING},
    "location": {
        "displayName": _STRING,
        "locationEmailAddress": _STRING,
        "address": Property("physicalAddress"),
        "coordinates": Property("outlookGeoCoordinates"),
        "locationUri": _STRING,
        "locationType": Property("locationType"),
        "uniqueId": _STRING,
        "uniqueIdType": Property("locationUniqueIdType"),
    },
    "message": {
        "subject": _STRING,
        "body": Property("itemBody"),
        "importance": Property("importance"),
        "toRecipients": Property("recipient", many=True),
        "ccRecipients": Property("recipient", many=True),
        "bccRecipients": Property("recipient", many=True),
        "replyTo": Property("recipient", many=True),
        "internetMessageHeaders": Property("internetMessageHeader", many=True),
    },
    "outlookGeoCoordinates": dict.fromkeys(
        ("accuracy", "altitude", "altitudeAccuracy", "latitude", "longitude"), _NUMBER
    ),
    "patternedRecurrence": {"pattern": Property("recurrencePattern"), "range": Property("recurrenceRange")},
    "physicalAddress": dict.fromkeys(("street", "city", "state", "countryOrRegion", "postalCode"), _STRING),
    "recipient": {"emailAddress": Property("emailAddress")},
    "recurrencePattern": {
        "type": Property("recurrencePatternType"),
        "interval": _INTEGER,
        "month": _INTEGER,
        "dayOfMonth": _INTEGER,
        "daysOfWeek": Property("dayOfWeek", many=True),
        "firstDayOfWeek": Property("dayOfWeek"),
        "index": Property("weekIndex"),
    },
    "recurrenceRange": {
        "type": Property("recurrenceRangeType"),
        "startDate": _DATE,
        "endDate": _DATE,
        "recurrenceTimeZone": _STRING,
        "numberOfOccurrences": _INTEGER,
    },
    "singleValueLegacyExtendedProperty": {"id": _STRING, "value": _STRING},
    "subscription": {
        **dict.fromkeys(("id", "applicationId", "creatorId"), _answered("string")),
        "expirationDateTime": _STRING,
        "includeResourceData": Property("boolean", writable=Writable.ON_CREATE),
        **dict.fromkeys(
            (
                "changeType",
                "clientState",
                "encryptionCertificate",
                "encryptionCertificateId",
                "latestSupportedTlsVersion",
                "lifecycleNotificationUrl",
                "notificationQueryOptions",
                "notificationUrl",
                "notificationUrlAppId",
                "resource",
                "vapidPublicKey",
                "webPushEncryptionP256dhPublicKey",
                "webPushEncryptionSecret",
            ),
            Property("string", writable=Writable.ON_CREATE),
        ),
    },
    "teamworkApplicationIdentity": {
        "id": _STRING,
        "displayName": _STRING,
        "applicationIdentityType": Property("teamworkApplicationIdentityType"),
    },
    "teamworkConversationIdentity": {
        "id": _STRING,
        "displayName": _STRING,
        "conversationIdentityType": Property("teamworkConversationIdentityType"),
    },
    "teamworkUserIdentity": {
        "id": _STRING,
        "displayName": _STRING,
        "userIdentityType": Property("teamworkUserIdentityType"),
    },
    "timeSlot": {"start": Property("dateTimeTimeZone"), "end": Property("dateTimeTimeZone")},
}
"""The types a request body is made of."""

_ANSWER = {"comment": _STRING, "sendResponse": _BOOLEAN}

ACTIONS: dict[str, dict[str, Property]] = {
    "accept": _ANSWER,
    "tentativelyAccept": {**_ANSWER, "proposedNewTime": Property("timeSlot")},
    "decline": {**_ANSWER, "proposedNewTime": Property("timeSlot")},
    "sendMail": {"message": Property("message"), "saveToSentItems": _BOOLEAN},
    "getSchedule": {
        "schedules": _STRINGS,
        "startTime": Property("dateTimeTimeZone"),
        "endTime": Property("dateTimeTimeZone"),
        "availabilityViewInterval": _INTEGER,
    },
}
"""What Graph's actions take; the case of these names does not count, as Graph's description of itself says."""

NEVER_IN_VIEW_SELECT = frozenset({"createdDateTime", "lastModifiedDateTime"})
"""What ``$select`` on calendarView does not bring (§1.3 of the notes)."""

ONLY_SELECTED = frozenset({"cancelledOccurrences"})
"""What comes only with ``$select`` on a GET of a series master (§3.3 of the notes)."""

NOT_IN_BASIC = frozenset({"body", "bodyPreview"})
"""What Calendars.ReadBasic leaves out, besides extended properties (§1.1 of the notes)."""

USER_DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
USER_BASIC = frozenset({"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"})
"""What User.ReadBasic.All shows of an account."""

USER_PROPERTIES = frozenset(USER_DEFAULT) | {
    "accountEnabled",
    "companyName",
    "createdDateTime",
    "department",
    "mailNickname",
    "proxyAddresses",
    "usageLocation",
    "userType",
}
"""What the sandbox knows of accounts; ``$select`` of any other property is refused."""

GROUP_DEFAULT = (
    "id",
    "deletedDateTime",
    "createdDateTime",
    "description",
    "displayName",
    "groupTypes",
    "mail",
    "mailEnabled",
    "mailNickname",
    "resourceProvisioningOptions",
    "securityEnabled",
    "visibility",
)
GROUP_PROPERTIES = frozenset(GROUP_DEFAULT)

TEAM_PROPERTIES = (
    "id",
    "createdDateTime",
    "displayName",
    "description",
    "internalId",
    "classification",
    "specialization",
    "visibility",
    "webUrl",
    "isArchived",
    "tenantId",
)
CHANNEL_PROPERTIES = (
    "id",
    "createdDateTime",
    "displayName",
    "description",
    "isFavoriteByDefault",
    "email",
    "tenantId",
    "webUrl",
    "membershipType",
    "isArchived",
)
