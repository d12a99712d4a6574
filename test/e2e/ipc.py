"""The messages that roles send each other, spoken by tests: read from the same schemas, by the door that
the `valija` command has too."""
import array
import collections
import re
import socket
import struct

from service import ROOT, Trouble

FOLDER = ROOT / "lib/ipc"


def read_schemas():
    """Every message by its name: its number, and its fields as (type, name)."""
    found = {}
    for file in re.findall(r'^#include "ipc/(.*?)"', (FOLDER / "all.def").read_text(), re.M):
        text = re.sub(r"/\*.*?\*/", "", (FOLDER / file).read_text(), flags=re.S)
        for name, body in re.findall(r"MSG\((\w+)\)(.*?)END\(\1\)", text, re.S):
            found[name] = (len(found) + 1, re.findall(r"FIELD\((\w+), *(\w+)\)", body))
    return found


SCHEMAS = read_schemas()
ROLES = re.findall(r"^ROLE\((\w+),", (ROOT / "lib/role/roles.def").read_text(), re.M)
ON_DEMAND = re.findall(r"^ROLE\((\w+),.* ON_DEMAND,", (ROOT / "lib/role/roles.def").read_text(), re.M)


def pack(name, /, **values):
    out = b""
    for kind, field in SCHEMAS[name][1]:
        value = values.pop(field)
        if kind in ("u32", "u64"):
            out += struct.pack("<I" if kind == "u32" else "<Q", value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += struct.pack("<I", len(value)) + value
    assert not values, values
    return out


def unpack(name, data):
    """A message as a tuple with names, and the bytes behind it."""
    fields, values = SCHEMAS[name][1], []
    for kind, _ in fields:
        size = 8 if kind == "u64" else 4
        number, data = int.from_bytes(data[:size], "little"), data[size:]
        if kind in ("slice", "items"):
            number, data = data[:number], data[number:]
        values.append(number)
    return collections.namedtuple(name, [field for _, field in fields])(*values), data


def unpack_items(name, data):
    items = []
    while data:
        item, data = unpack(name, data)
        items.append(item)
    return items


def frames(packet):
    """What a packet holds: each frame's serial number, whether it is an answer, and its bytes."""
    names = {number: name for name, (number, _) in SCHEMAS.items()}
    while packet:
        number, serial, is_answer = struct.unpack_from("<III", packet)
        _, rest = unpack(names[number], packet[12:])
        yield serial, bool(is_answer), packet[:len(packet) - len(rest)]
        packet = rest


class Channel:
    def __init__(self, sock):
        self.sock, self.serial = sock, 0
        sock.settimeout(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, name, /, fd=None, **values):
        """The serial number that the answer will have. A descriptor goes along and stays ours."""
        self.serial += 1
        frame = struct.pack("<III", SCHEMAS[name][0], self.serial, 0) + pack(name, **values)
        socket.send_fds(self.sock, [frame], [] if fd is None else [fd])
        return self.serial

    def receive(self, name):
        """The next answer, which must be of this kind: its serial, the message, descriptors."""
        data, ancillary, _, _ = self.sock.recvmsg(65536, socket.CMSG_SPACE(4))
        fds = array.array("i")
        for _, _, passed in ancillary:
            fds.frombytes(passed)
        if not data:
            raise Trouble("the role closed the channel")
        number, serial, is_answer = struct.unpack("<III", data[:12])
        assert (number, is_answer) == (SCHEMAS[name][0], 1)
        message, rest = unpack(name, data[12:])
        assert rest == b""
        return serial, message, list(fds)

    def ask(self, name, answer, /, **values):
        serial = self.send(name, **values)
        got, message, fds = self.receive(answer)
        assert got == serial
        return message, fds


def door(service, role, index=0):
    """A channel to a role of a running service."""
    parent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent.connect(str(service.folder / "state/run/control"))
    with Channel(parent) as c:
        _, fds = c.ask("ctl_door", "ctl_door_answer", role=ROLES.index(role), index=index, wake=1)
    return Channel(socket.socket(fileno=fds[0]))
