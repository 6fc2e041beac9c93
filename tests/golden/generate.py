#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the small models of this folder and asks TensorFlow Lite what they compute.

    tests/golden/generate.py ORACLE

ORACLE MODEL OUTDIR --ref INPUT... runs a model with TFLite's reference kernels and
writes each tensor as OUTDIR/t<i>.bin. The files here are of version 2.14. They
cover operators and options that real models seldom have; test_models.c reads them.
"""
import hashlib
import itertools
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

from tflite import Model, pack

HERE = pathlib.Path(__file__).parent
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
RANGES = {'int8': (-128, 127), 'uint8': (0, 255), 'int16': (-2**15, 2**15 - 1),
          'int32': (-2**31, 2**31 - 1)}
rng = random.Random(1)


def ints(dtype, shape):
    return [rng.randint(*RANGES[dtype]) for _ in range(math.prod(shape))]


def broadcast(a, b):
    pairs = itertools.zip_longest(reversed(a), reversed(b), fillvalue=1)
    return [max(pair) for pair in pairs][::-1]


def conv_options(padding, activation=NONE, stride=(1, 1), dilation=(1, 1)):
    return {0: ('b', padding), 1: ('i', stride[1]), 2: ('i', stride[0]),
            3: ('b', activation), 4: ('i', dilation[1]), 5: ('i', dilation[0])}


def depthwise_options(depth, **kwargs):
    o = conv_options(**kwargs)
    return {0: o[0], 1: o[1], 2: o[2], 3: ('i', depth), 4: o[3], 5: o[4], 6: o[5]}


def pool_options(padding, size, stride=(1, 1), activation=NONE):
    return {0: ('b', padding), 1: ('i', stride[1]), 2: ('i', stride[0]),
            3: ('i', size[1]), 4: ('i', size[0]), 5: ('b', activation)}


def window(in_size, size, stride, dilation, padding):
    if padding == SAME:
        return -(-in_size // stride)
    return (in_size - (size - 1) * dilation - 1) // stride + 1


class Maker(Model):
    """Models whose activations are all of one type."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype
        self.zero = {'int8': -7, 'uint8': 121, 'int16': 0}[dtype]

    def activation(self, shape, scale, zero=None, dtype=None):
        return self.tensor(dtype or self.dtype, shape, scale, self.zero if zero is None else zero)

    def shape(self, t):
        return self.tensors[t][1]

    def scale(self, t):
        return self.tensors[t][2][0]

    def weights(self, shape, channels=None, dim=0):
        """channels: of them, a scale each; then there is no zero point."""
        scales = [rng.uniform(0.002, 0.02) for _ in range(channels or 1)]
        return self.random(shape, scales, 131 if self.dtype == 'uint8' else 0, dim)

    def random(self, shape, scale, zero, dim=0):
        return self.constant(self.dtype, shape, ints(self.dtype, shape), scale, zero, dim)

    def bias(self, x, w):
        scales = [self.scale(x) * s for s in self.tensors[w][2]]
        count = self.shape(w)[3 if self.shape(w)[0] == 1 and len(self.shape(w)) == 4 else 0]
        values = [rng.randint(-3000, 3000) for _ in range(count)]
        return self.constant('int32', [count], values, scales)

    def conv(self, x, oc, size, scale, per_channel=False, padding=SAME,
             stride=(1, 1), dilation=(1, 1), activation=NONE):
        n, h, w, c = self.shape(x)
        weights = self.weights((oc, *size, c), oc if per_channel else None)
        out = self.activation([n, window(h, size[0], stride[0], dilation[0], padding),
                               window(w, size[1], stride[1], dilation[1], padding), oc], scale)
        return self.op('CONV_2D', [x, weights, self.bias(x, weights)], out,
                       conv_options(padding, activation, stride, dilation))

    def depthwise(self, x, depth, size, scale, per_channel=False, padding=SAME,
                  stride=(1, 1), dilation=(1, 1), activation=NONE):
        n, h, w, c = self.shape(x)
        weights = self.weights((1, *size, c * depth), c * depth if per_channel else None, 3)
        out = self.activation([n, window(h, size[0], stride[0], dilation[0], padding),
                               window(w, size[1], stride[1], dilation[1], padding),
                               c * depth], scale)
        return self.op('DEPTHWISE_CONV_2D', [x, weights, self.bias(x, weights)], out,
                       depthwise_options(depth, padding=padding, activation=activation,
                                         stride=stride, dilation=dilation))

    def simple(self, name, x, scale=None, zero=None, dtype=None):
        out = self.activation(self.shape(x), self.scale(x) if scale is None else scale, zero, dtype)
        return self.op(name, [x], out)

    def pad(self, x, around):
        shape = [d + a + b for d, (a, b) in zip(self.shape(x), around)]
        return self.op('PAD', [x, self.constant('int32', [len(around), 2], sum(around, []))],
                       self.activation(shape, self.scale(x)))

    def pool(self, name, x, size, padding, stride=(1, 1), activation=NONE):
        n, h, w, c = self.shape(x)
        out = self.activation([n, window(h, size[0], stride[0], 1, padding),
                               window(w, size[1], stride[1], 1, padding), c], self.scale(x))
        return self.op(name, [x], out, pool_options(padding, size, stride, activation))

    def mean(self, x, axes, scale, keep):
        shape = self.shape(x)
        reduced = {a % len(shape) for a in axes}
        out = [1 if i in reduced else d for i, d in enumerate(shape) if keep or i not in reduced]
        return self.op('MEAN', [x, self.constant('int32', [len(axes)], axes)],
                       self.activation(out, scale), {0: ('?', keep)})

    def binary(self, name, a, b, scale, activation=NONE):
        shape = broadcast(self.shape(a), self.shape(b))
        return self.op(name, [a, b], self.activation(shape, scale), {0: ('b', activation)})

    def reshape(self, x, shape):
        return self.op('RESHAPE', [x, self.constant('int32', [len(shape)], shape)],
                       self.activation(shape, self.scale(x)), {0: list(shape)})


def make_conv(dtype):
    m = Maker(dtype)
    pc = dtype == 'int8'
    x = m.input(dtype, [2, 9, 11, 5], 0.05, m.zero)
    a = m.conv(x, 19, (3, 3), 0.4, pc, stride=(2, 2), activation=RELU6)
    b = m.conv(x, 7, (3, 2), 0.4, dilation=(2, 3), activation=RELU_N1_TO_1)
    c = m.conv(x, 33, (1, 1), 0.3, pc, padding=VALID)
    # A PAD that becomes the convolution's, and RELUs that become its clamp.
    d = m.conv(m.pad(x, [[0, 0], [1, 2], [3, 0], [0, 0]]), 8, (3, 3), 0.5, padding=VALID,
               stride=(2, 1))
    e = m.simple('RELU6', m.simple('RELU', m.conv(x, 6, (2, 2), 0.1, pc, padding=VALID)))
    f = m.depthwise(x, 3, (3, 3), 0.2, pc, activation=RELU)
    g = m.depthwise(c, 1, (3, 5), 0.3, stride=(2, 3), padding=VALID)
    h = m.depthwise(m.pad(c, [[0, 0], [2, 1], [0, 4], [0, 0]]), 1, (3, 3), 0.3, pc,
                    padding=VALID, dilation=(2, 1))
    m.output(a, b, d, e, f, g, h)
    return m


def make_fully_connected(dtype):
    m = Maker(dtype)
    x = m.input(dtype, [2, 3, 37], 0.07, m.zero)
    outs = []
    for rows, activation, keep, per_channel in ((10, NONE, False, False), (35, RELU, True, False),
                                                (16, RELU6, False, dtype == 'int8')):
        w = m.weights((rows, 37), rows if per_channel else None)
        shape = [2, 3, rows] if keep else [6, rows]
        outs.append(m.op('FULLY_CONNECTED', [x, w, m.bias(x, w)], m.activation(shape, 0.6),
                         {0: ('b', activation), 2: ('?', keep)}))
    # INT8 weights of FULLY_CONNECTED may have a zero point.
    w = m.random((5, 37), 0.011, 90 if dtype == 'uint8' else 13)
    outs.append(m.op('FULLY_CONNECTED', [x, w], m.activation([6, 5], 0.9)))
    m.output(*outs)
    return m


def make_binary(dtype):
    m = Maker(dtype)
    x = m.input(dtype, [2, 4, 5, 7], 0.05, m.zero)
    y = m.input(dtype, [2, 4, 5, 7], 0.013, m.zero + 3)
    constants = [m.random(s, 0.021, m.zero - 5)
                 for s in ((4, 1, 7), (5, 7), (1,), (2, 1, 5, 1))]
    outs = []
    for name, scale in (('ADD', 0.06), ('MUL', 0.004)):
        outs.append(m.binary(name, x, y, scale))
        outs.append(m.binary(name, x, x, scale * 1.7, RELU))
        outs.append(m.binary(name, y, x, scale / 3, RELU_N1_TO_1))
        outs += [m.binary(name, x, c, scale) for c in constants]
        outs.append(m.binary(name, constants[0], x, scale, RELU6))
    m.output(*outs)
    return m


def make_pool(dtype):
    m = Maker(dtype)
    x = m.input(dtype, [2, 9, 10, 19], 0.03, m.zero)
    for name in ('AVERAGE_POOL_2D', 'MAX_POOL_2D'):
        m.output(m.pool(name, x, (2, 2), VALID, (2, 2)), m.pool(name, x, (3, 5), SAME, (2, 3)),
                 m.pool(name, x, (9, 10), VALID), m.pool(name, x, (3, 3), SAME, activation=RELU6),
                 m.simple('RELU', m.pool(name, x, (2, 3), SAME)))
    return m


def make_mean(dtype):
    m = Maker(dtype)
    x = m.input(dtype, [2, 6, 7, 5], 0.03, m.zero)
    for axes in ([1, 2], [1], [2], [3], [-2, -1], [1, 2, 3], [0]):
        m.output(m.mean(x, axes, 0.03, True), m.mean(x, axes, 0.011, False),
                 m.mean(x, axes, 0.05, True))
    return m


def make_moves(dtype):
    m = Maker(dtype)
    x = m.input(dtype, [2, 3, 4, 5], 0.03, m.zero)
    y = m.input(dtype, [6, 7], 0.03, m.zero)
    copy = m.reshape(x, [6, 20])                    # an output that is an input's bytes
    z = m.simple('RELU', x, 0.02)
    flat = m.reshape(z, [1, 120, 1])
    squeezed = m.op('SQUEEZE', [flat], m.activation([120], 0.02), {0: [0, 2]})
    m.output(copy, m.pad(x, [[0, 1], [2, 0], [1, 1], [3, 2]]), m.pad(y, [[1, 2], [0, 3]]),
             squeezed, m.pad(flat, [[0, 0], [1, 1], [0, 0]]),
             m.reshape(m.random((4, 2), 0.03, m.zero), [8]))
    return m


def make_quantize():
    m = Maker('int8')
    f = m.input('float32', [3, 50])
    i8 = m.input('int8', [3, 50], 0.05, -7)
    u8 = m.input('uint8', [3, 50], 0.05, 121)
    i16 = m.input('int16', [3, 50], 0.0003, 0)
    i32 = m.input('int32', [3, 50], 0.0000001, 0)
    for dtype, scale, zero in (('int8', 0.05, -7), ('uint8', 0.03, 120), ('int16', 0.0003, 0)):
        m.output(m.simple('QUANTIZE', f, scale, zero, dtype))
    for x in (i8, u8, i16, i32):
        m.output(m.simple('QUANTIZE', x, 0.04, 3, 'int8'))
    for x in (i8, u8):
        m.output(m.simple('QUANTIZE', x, 0.09, 100, 'uint8'))
    for x in (i16, i32):
        m.output(m.simple('QUANTIZE', x, 0.0005, 0, 'int16'))
    m.output(m.simple('QUANTIZE', u8, 0.05, -7, 'int8'), m.simple('QUANTIZE', i8, 0.05, 121, 'uint8'))
    for x in (i8, u8, i16):
        m.output(m.op('DEQUANTIZE', [x], m.tensor('float32', [3, 50])))
    return m


def make_relu(dtype):
    m = Maker(dtype)
    x = m.input(dtype, [3, 100], 0.05, m.zero)
    for name in ('RELU', 'RELU6'):
        m.output(m.simple(name, x), m.simple(name, x, 0.031, m.zero - 20),
                 m.simple(name, x, 0.07, m.zero + 9))
    return m


def make_softmax(dtype):
    m = Maker(dtype)
    zero = -128 if dtype == 'int8' else 0
    x = m.input(dtype, [2, 3, 4, 21], 0.05, m.zero)
    y = m.input(dtype, [5, 1001], 0.3, m.zero)
    for t, beta in ((x, 1.0), (x, 3.0), (y, 1.0), (y, 0.1)):
        m.output(m.op('SOFTMAX', [t], m.activation(m.shape(t), 1 / 256, zero), {0: ('f', beta)}))
    return m


def input_bytes(dtype, shape):
    if dtype != 'float32':
        return pack(dtype, ints(dtype, shape))
    values = [rng.gauss(0, 4) for _ in range(math.prod(shape))]
    values[:6] = [0.0, -0.0, 0.025, -0.025, 0.075, 0.015]
    return pack(dtype, values)


def expectation(m, out):
    ops = []
    for i, (name, _, tensor, _) in enumerate(m.ops):
        digest = hashlib.sha256((out / f't{tensor}.bin').read_bytes()).hexdigest()
        ops.append({'index': i, 'op': name, 'outputs': [{'tensor': tensor, 'sha256': digest}]})
    return {'inputs': [f'in0.{i}.bin' for i in range(len(m.inputs))],
            'outputs': [f'out0.{i}.bin' for i in range(len(m.outputs))], 'ops': ops}


def generate(oracle, name, m):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    m.write(folder / 'model.tflite')
    inputs = []
    for i, t in enumerate(m.inputs):
        inputs.append(folder / f'in0.{i}.bin')
        inputs[-1].write_bytes(input_bytes(*m.tensors[t][:2]))
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([oracle, folder / 'model.tflite', out, '--ref', *inputs], check=True)
        out = pathlib.Path(out)
        for i, t in enumerate(m.outputs):
            (folder / f'out0.{i}.bin').write_bytes((out / f't{t}.bin').read_bytes())
        text = json.dumps(expectation(m, out), indent=1)
        (folder / 'expect0.json').write_text(text + '\n')


def main():
    for dtype in ('int8', 'uint8'):
        for make in (make_conv, make_fully_connected, make_binary, make_pool, make_mean,
                     make_moves, make_relu, make_softmax):
            generate(sys.argv[1], f'{make.__name__[5:]}_{dtype}', make(dtype))
    generate(sys.argv[1], 'quantize', make_quantize())


if __name__ == '__main__':
    main()
