// SPDX-License-Identifier: MIT
/* QUANTIZE to bytes and DEQUANTIZE of bytes; words are ref's. */
#include <stdbool.h>

#include "avx2.h"
#include "requant_avx2.h"
#include "../ref/ref.h"

static float scale_of(const struct qaccel_cmd_quantize *cmd)
{
	float scale;

	memcpy(&scale, &cmd->scale, sizeof(scale));
	return scale;
}

/*
 * Half away from zero, of 8 values; ref's round_bounded() says why +-2^17 are
 * enough. NaN becomes zero.
 */
static inline __m256i round8(__m256 v)
{
	const __m256 bound = _mm256_set1_ps(131072.0f);
	const __m256 half = _mm256_set1_ps(0.5f);
	__m256 fraction, up, down;
	__m256i whole;

	v = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
	v = _mm256_max_ps(v, _mm256_sub_ps(_mm256_setzero_ps(), bound));
	v = _mm256_min_ps(v, bound);
	whole = _mm256_cvttps_epi32(v);
	fraction = _mm256_sub_ps(v, _mm256_cvtepi32_ps(whole));
	up = _mm256_cmp_ps(fraction, half, _CMP_GE_OQ);
	down = _mm256_cmp_ps(fraction, _mm256_sub_ps(_mm256_setzero_ps(),
						     half), _CMP_LE_OQ);
	/* Masks are -1. */
	whole = _mm256_sub_epi32(whole, _mm256_castps_si256(up));
	return _mm256_add_epi32(whole, _mm256_castps_si256(down));
}

static inline void quantize16(const uint8_t *in, uint8_t *out, __m256 scale,
			      const struct qk_vfinish *fin)
{
	__m256 x[2];

	memcpy(x, in, sizeof(x));
	_mm_storeu_si128((__m128i *)(void *)out, qk_vpack16(
		qk_vfinish(round8(_mm256_div_ps(x[0], scale)), fin),
		qk_vfinish(round8(_mm256_div_ps(x[1], scale)), fin)));
}

QK_DECL_QUANTIZE(qk_quantize_avx2)
{
	bool is_unsigned = cmd->out.dtype == QACCEL_DTYPE_U8;
	const struct qk_vfinish fin = qk_vfinish_set1(
		cmd->out.zero_point, is_unsigned ? 0 : -128,
		is_unsigned ? 255 : 127);
	const __m256 scale = _mm256_set1_ps(scale_of(cmd));
	const uint8_t *src = in;
	uint8_t *dst = out, rest[64] = { 0 };

	if (qk_elem_size(cmd->out.dtype) != 1) {
		qk_quantize_ref(cmd, in, out, count);
		return;
	}
	for (; count >= 16; count -= 16, src += 64, dst += 16)
		quantize16(src, dst, scale, &fin);
	if (!count)
		return;
	memcpy(rest, src, 4 * count);
	quantize16(rest, rest, scale, &fin);
	memcpy(dst, rest, count);
}

/* x - Z is exact, and so the product alone is rounded. */
static inline __m256 dequantize8(const uint8_t *in, int is_unsigned,
				 __m256i zero_point, __m256 scale)
{
	__m256i x = _mm256_sub_epi32(qk_vload8(in, is_unsigned), zero_point);

	return _mm256_mul_ps(scale, _mm256_cvtepi32_ps(x));
}

QK_DECL_QUANTIZE(qk_dequantize_avx2)
{
	int is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8;
	const __m256i zero_point = _mm256_set1_epi32(cmd->in.zero_point);
	const __m256 scale = _mm256_set1_ps(scale_of(cmd));
	const uint8_t *src = in;
	uint8_t *dst = out, rest[8] = { 0 };
	__m256 v;

	if (qk_elem_size(cmd->in.dtype) != 1) {
		qk_dequantize_ref(cmd, in, out, count);
		return;
	}
	for (; count >= 8; count -= 8, src += 8, dst += 32) {
		v = dequantize8(src, is_unsigned, zero_point, scale);
		memcpy(dst, &v, sizeof(v));
	}
	if (!count)
		return;
	memcpy(rest, src, count);
	v = dequantize8(rest, is_unsigned, zero_point, scale);
	memcpy(dst, &v, 4 * count);
}
