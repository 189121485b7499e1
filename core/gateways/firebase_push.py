"""Push through Firebase Cloud Messaging, with Google's own SDK held to one post a message."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import firebase_admin
from firebase_admin import exceptions, messaging
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from core.gateways import http
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused
from core.gateways.push import Push

#: The category that the app registers for notifications with buttons; what they are stands in `data.actions`.
_IOS_CATEGORY = "pocketful.actions"
_SCOPES = ["https://www.googleapis.com/auth/firebase.messaging"]


class FirebasePush:
    """FCM's HTTP v1 API. A token of a removed app is AddressDead."""

    name = "fcm"

    def __init__(self, *, project_id: str, credentials_file: str | None, api_url: str | None = None) -> None:
        """Raises ValueError or OSError when the credentials file cannot be used."""
        self._app = firebase_admin.initialize_app(
            _credential(credentials_file),
            {"projectId": project_id, "httpTimeout": http.TIMEOUT_SECONDS},
            # The SDK keeps its apps in one table of the process, by name.
            name=f"pocketful-{uuid4()}",
        )

        # The SDK posts again when the reply to an accepted message is lost, and has no setting against it nor one
        # for its address: both are private, which is why its version is pinned and a test counts the posts.
        service = messaging._get_messaging_service(self._app)
        http.post_once(service._client.session, api_url=api_url)
        if api_url:
            service._fcm_url = f"{api_url.rstrip('/')}/v1/projects/{project_id}/messages:send"

    def send(self, push: Push) -> Outcome:
        try:
            name = messaging.send(_message(push), app=self._app)
        except exceptions.FirebaseError as error:
            return _refusal(error)
        except GoogleAuthError as error:
            # Raised while fetching our access token, so before the message was posted.
            return Refused(code=type(error).__name__, permanent=False)
        except ValueError:
            # The SDK found the message malformed before posting it; its words may hold some of it.
            return Refused(code="fcm_malformed", permanent=True)
        return Accepted(provider_message_id=name)

    def close(self) -> None:
        """Let go of the SDK's connections."""
        firebase_admin.delete_app(self._app)


def _credential(file: str | None) -> Any:
    """Google's libraries are typed in part, hence the Any. Without a file: anonymous, which suits a stand-in only."""
    if file is None:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    return _ServiceAccount.from_service_account_file(file, scopes=_SCOPES)  # type: ignore[no-untyped-call]


class _ServiceAccount(service_account.Credentials):
    """A service account whose token request ends in time: Google's default is 120 s, longer than our lease."""

    def refresh(self, request: Callable[..., Any]) -> None:
        super().refresh(partial(request, timeout=http.TIMEOUT_SECONDS))  # type: ignore[no-untyped-call]


def _message(push: Push) -> messaging.Message:
    """One id in all places where a phone can see that it already has this message."""
    message_id = str(push.message_id)
    data = {**push.data, "message_id": message_id}
    if push.deep_link:
        data["deep_link"] = push.deep_link
    if push.actions:
        data["actions"] = json.dumps([dict(action) for action in push.actions], ensure_ascii=False)
    return messaging.Message(
        token=push.token,
        notification=messaging.Notification(title=push.title, body=push.body, image=push.image),
        data=data,
        # A tag replaces the notification that is already shown; a collapse key would not do on Android, where FCM
        # keeps at most four of them a device.
        android=messaging.AndroidConfig(notification=messaging.AndroidNotification(tag=message_id, image=push.image)),
        apns=_apns(push, message_id),
    )


def _apns(push: Push, message_id: str) -> messaging.APNSConfig:
    """iOS fetches a picture, and draws buttons, in an extension of the app: mutable-content wakes it."""
    headers = {"apns-collapse-id": message_id}
    if not push.image and not push.actions:
        return messaging.APNSConfig(headers=headers)
    aps = messaging.Aps(mutable_content=True, category=_IOS_CATEGORY if push.actions else None)
    options = messaging.APNSFCMOptions(image=push.image) if push.image else None
    return messaging.APNSConfig(headers=headers, payload=messaging.APNSPayload(aps), fcm_options=options)


def _refusal(error: exceptions.FirebaseError) -> Outcome:
    response = error.http_response
    if response is None:
        return http.outcome_of_exception(error.cause)
    if isinstance(error, messaging.UnregisteredError):
        return AddressDead(code="UNREGISTERED")
    status = response.status_code
    if status == 429 or status >= 500:
        return http.outcome_of_status(status, response.headers)
    if status < 400:
        # A 200 whose body could not be read: FCM has it.
        return http.outcome_of_exception(error.cause)
    # 401 and 403 are our credentials or our project (SENDER_ID_MISMATCH too: calling those tokens dead would empty
    # the table of devices on the day someone sets the wrong project).
    return Refused(code=str(error.code), permanent=status == 400)
