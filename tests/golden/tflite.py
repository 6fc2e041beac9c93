# SPDX-License-Identifier: MIT
"""Writes .tflite files: as much of the format as generate.py needs."""
import array
import struct

TYPES = {'float32': 0, 'int32': 2, 'uint8': 3, 'int16': 7, 'int8': 9}
CODES = {'float32': 'f', 'int32': 'i', 'uint8': 'B', 'int16': 'h', 'int8': 'b'}
# Name: builtin code, type of its options table.
OPS = {
    'ADD': (0, 11), 'AVERAGE_POOL_2D': (1, 5), 'CONV_2D': (3, 1),
    'DEPTHWISE_CONV_2D': (4, 2), 'DEQUANTIZE': (6, 0), 'FULLY_CONNECTED': (9, 8),
    'MAX_POOL_2D': (17, 5), 'MUL': (18, 21), 'RELU': (19, 0), 'RELU6': (21, 0),
    'RESHAPE': (22, 17), 'SOFTMAX': (25, 9), 'PAD': (34, 22), 'MEAN': (40, 27),
    'SQUEEZE': (43, 30), 'QUANTIZE': (114, 0),
}


def pack(dtype, values):
    return array.array(CODES[dtype], values).tobytes()


class Flatbuffer:
    """Objects stand behind what refers to them, so offsets are patched in."""

    def __init__(self):
        self.data = bytearray()

    def align(self, size, ahead=0):
        while (len(self.data) + ahead) % size:
            self.data.append(0)

    def refer(self, position, target):
        struct.pack_into('<I', self.data, position, target - position)

    def vector(self, fmt, values):
        size = struct.calcsize('<' + fmt)
        self.align(max(size, 4), 4)
        start = len(self.data)
        self.data += struct.pack('<I', len(values))
        for v in values:
            self.data += struct.pack('<' + fmt, v)
        return start

    def bytes(self, data):
        self.align(16, 4)
        start = len(self.data)
        self.data += struct.pack('<I', len(data)) + data
        return start

    def string(self, text):
        start = self.bytes(text.encode())
        self.data.append(0)
        return start

    def objects(self, makers):
        start = self.vector('I', [0] * len(makers))
        for i, make in enumerate(makers):
            self.refer(start + 4 + 4 * i, make())
        return start

    def table(self, fields):
        """fields: id: (format, value), or id: a function that writes the object."""
        count = max(fields, default=-1) + 1
        offsets, size = [0] * count, 4
        for i, field in sorted(fields.items()):
            width = 4 if callable(field) else struct.calcsize('<' + field[0])
            size += -size % width
            offsets[i] = size
            size += width
        self.align(8)
        vtable = len(self.data)
        self.data += struct.pack(f'<HH{count}H', 4 + 2 * count, size, *offsets)
        self.align(8)
        start = len(self.data)
        self.data += struct.pack('<i', start - vtable) + bytes(size - 4)
        for i, field in sorted(fields.items()):
            if callable(field):
                self.refer(start + offsets[i], field())
            else:
                struct.pack_into('<' + field[0], self.data, start + offsets[i], field[1])
        return start


class Model:
    """Tensors and operators are numbered in the order in which they are added."""

    def __init__(self):
        self.tensors, self.ops, self.inputs, self.outputs = [], [], [], []

    def tensor(self, dtype, shape, scale=None, zero=0, data=None, dim=0):
        scales = [] if scale is None else scale if isinstance(scale, list) else [scale]
        zeros = [zero] * len(scales)
        self.tensors.append((dtype, list(shape), scales, zeros, dim, data))
        return len(self.tensors) - 1

    def input(self, dtype, shape, scale=None, zero=0):
        self.inputs.append(self.tensor(dtype, shape, scale, zero))
        return self.inputs[-1]

    def constant(self, dtype, shape, values, scale=None, zero=0, dim=0):
        return self.tensor(dtype, shape, scale, zero, pack(dtype, values), dim)

    def op(self, name, inputs, output, options=None):
        """options: as Flatbuffer.table()."""
        self.ops.append((name, inputs, output, options or {}))
        return output

    def output(self, *tensors):
        self.outputs += tensors

    def write(self, path):
        b = Flatbuffer()
        b.data += bytes(4) + b'TFL3'
        names = sorted({op[0] for op in self.ops})

        def quantization(scales, zeros, dim):
            return lambda: b.table({2: lambda: b.vector('f', scales),
                                    3: lambda: b.vector('q', zeros), 6: ('i', dim)})

        def tensor(i):
            dtype, shape, scales, zeros, dim, data = self.tensors[i]
            fields = {0: lambda: b.vector('i', shape), 1: ('b', TYPES[dtype]),
                      2: ('I', i + 1 if data is not None else 0),
                      3: lambda: b.string(f't{i}')}
            if scales:
                fields[4] = quantization(scales, zeros, dim)
            return lambda: b.table(fields)

        def operator(op):
            name, inputs, output, options = op
            fields = {0: ('I', names.index(name)), 1: lambda: b.vector('i', inputs),
                      2: lambda: b.vector('i', [output])}
            if OPS[name][1]:
                fields[3] = ('B', OPS[name][1])
                fields[4] = lambda: b.table(options_of(options))
            return lambda: b.table(fields)

        def options_of(options):
            return {i: (lambda v=o: b.vector('i', v)) if isinstance(o, list) else o
                    for i, o in options.items()}

        def code(name):
            return lambda: b.table({0: ('b', OPS[name][0]), 2: ('i', 1),
                                    3: ('i', OPS[name][0])})

        def buffer(data):
            return lambda: b.table({0: lambda: b.bytes(data)} if data is not None else {})

        def subgraph():
            return b.table({
                0: lambda: b.objects([tensor(i) for i in range(len(self.tensors))]),
                1: lambda: b.vector('i', self.inputs),
                2: lambda: b.vector('i', self.outputs),
                3: lambda: b.objects([operator(op) for op in self.ops])})

        b.refer(0, b.table({
            0: ('I', 3), 1: lambda: b.objects([code(n) for n in names]),
            2: lambda: b.objects([subgraph]),
            4: lambda: b.objects([buffer(None)] + [buffer(t[5]) for t in self.tensors])}))
        with open(path, 'wb') as f:
            f.write(b.data)
