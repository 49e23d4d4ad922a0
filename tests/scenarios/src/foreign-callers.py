"""Who may do what, seen from a client: arguments are HOST:PORT, the folder of the stubs, then CA, certificate and key
(`-` for none of each) and a token (`-` for none). Prints `reads N changes N`: the names of the two statuses."""

import sys

address, stubs, authority, certificate, key, token = sys.argv[1:7]
sys.path.insert(0, stubs)

import grpc
from mailyard.routing.v1 import change_set_pb2 as change
from mailyard.routing.v1 import configuration_pb2 as configuration
from mailyard.routing.v1 import configuration_pb2_grpc, routing_pb2_grpc
from mailyard.routing.v1 import routing_pb2 as routing


def octets(name):
    if name == "-":
        return None
    with open(name, "rb") as file:
        return file.read()


if authority == "-":
    channel = grpc.insecure_channel(address)
else:
    credentials = grpc.ssl_channel_credentials(octets(authority), octets(key), octets(certificate))
    channel = grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "localhost")])
metadata = [] if token == "-" else [("authorization", f"Bearer {token}")]


def status(call, request):
    try:
        call(request, metadata=metadata, timeout=10)
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


reads = status(routing_pb2_grpc.RoutingServiceStub(channel).ListRoutes, routing.ListRoutesRequest())
route = change.SmtpRoute(receiving_domain="by-call.example", destinations=["h.example"])
operation = change.Operation(set=change.SetItem(item=change.Item(route=route)))
changes = status(
    configuration_pb2_grpc.ConfigurationServiceStub(channel).Commit,
    configuration.CommitRequest(operations=[operation], author="pia"),
)
print(f"reads {reads} changes {changes}")
