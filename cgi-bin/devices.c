/* Endpoint group: devices that sign in by the OAuth 2.0 device grant */
#include "account/device.h"
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/devices", resource_device),
    {"GET", "/api/v1/devices/{device_id}", device_get, &resource_device, OP_GET, .query = &DEVICE_GET_QUERY,
     .flags = R_HYDRATE, .needs = NEEDS({&resource_device, "read", NEED_SHOWN, NULL})},
    UPDATE("/api/v1/devices/{device_id}", resource_device),
    DELETE("/api/v1/devices/{device_id}", resource_device),
    {"PUT", "/api/v1/devices/{device_id}/verify", device_verify, .body = &DEVICE_VERIFICATION,
     .response = "OAuthDeviceResponse", .open = "by the code that the device shows",
     .about = "Confirms a device by the code that it shows."},
};

WORKER(devices, routes)
